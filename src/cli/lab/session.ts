import { createInterface } from 'node:readline/promises';
import { begin, check, type LabState, open, predict, solve } from '../../engine/labs.js';
import type { Language } from '../../engine/language.js';
import { LabView, letterOf, WORDS } from '../../engine/views/lab.js';
import { FosterError } from '../../sys/errors.js';
import { print, printError } from '../output.js';
import { layoutPrompt, printBlocks } from './print-blocks.js';
import { printFindings, printHint, printSolution, printStep } from './print-step.js';
import { runTyped } from './run-typed.js';

/** Begins a lab, or goes on with it. With a terminal, until it is done or the person leaves. */
export async function startSession(name: string | undefined, language: Language): Promise<void> {
  const state = await begin(name ?? (await open(undefined)).lab.name, language);
  const view = new LabView(language);
  printBlocks(view.story(state.lab));
  if (!state.isNew) printBlocks([view.prose(WORDS.goesOn, { name: state.lab.name })]);
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    await printStep(state, view);
    return;
  }
  if (state.progress.step === state.lab.steps.length) await printStep(state, view);
  while (state.progress.step < state.lab.steps.length) {
    if (await doStep(state, view)) continue;
    printBlocks([view.prose(WORDS.left, { name: state.lab.name })]);
    return;
  }
}

/** Returns whether the step is done; otherwise the person has left. */
async function doStep(state: LabState, view: LabView): Promise<boolean> {
  const { lab, progress } = state;
  const index = progress.step;
  const step = lab.steps[index];
  if (step === undefined) return false;
  printBlocks(view.question(lab, index));
  const isAsked = typeof progress.predictions[index] !== 'number';
  if (isAsked && !(await askPrediction(state, view))) return false;
  printBlocks([...view.commands(lab, step, state.folder), view.prose(WORDS.prompt)]);
  while (progress.step === index) {
    const line = await read('lab> ');
    if (line === undefined || line === 'q') return false;
    if (line === '' || line === 'check') await printFindings(state, await check(state), view);
    else if (line === 'hint') printHint(state, view);
    else if (line === 'solve') await printSolution(state, await solve(state), view);
    else await runTyped(line, state.folder);
  }
  return true;
}

/** Returns false if the person has left. */
async function askPrediction(state: LabState, view: LabView): Promise<boolean> {
  const { lab, progress } = state;
  const count = lab.steps[progress.step]?.choices.length ?? 0;
  const letters = Array.from({ length: count }, (_, index) => letterOf(index)).join(', ');
  for (;;) {
    const answer = await read(layoutPrompt(`${view.text(WORDS.askLetter, { letters })}:`));
    if (answer === undefined || answer === 'q') return false;
    if (answer === '') return true;
    try {
      await predict(state, answer);
      return true;
    } catch (error) {
      if (!(error instanceof FosterError)) throw error;
      printError(`${error.message}\n`);
    }
  }
}

/** A line that the person types; undefined at its end (Ctrl-D), and after Ctrl-C. */
async function read(prompt: string): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const end = new Promise<undefined>((settle) => {
      for (const event of ['SIGINT', 'close'] as const) terminal.on(event, () => settle(undefined));
    });
    const line = await Promise.race([terminal.question(prompt), end]);
    if (line === undefined) print('\n');
    return line?.trim();
  } finally {
    terminal.close();
  }
}
