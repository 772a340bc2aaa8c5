import {
  areMet,
  type Finding,
  hasLost,
  type LabState,
  names,
  presentStep,
  type Solution,
} from '../../engine/labs.js';
import { type Block, type LabView, letterOf, WORDS } from '../../engine/views/lab.js';
import { printBlocks } from './print-blocks.js';

/** The present step: what to predict, and what to type; at the end, how one has predicted. */
export async function printStep(state: LabState, view: LabView): Promise<void> {
  const { lab, progress, folder } = state;
  const step = lab.steps[progress.step];
  if (step === undefined) {
    await printEnd(state, view);
    return;
  }
  const letters = step.choices.map((_, index) => letterOf(index)).join('|');
  printBlocks([
    ...view.question(lab, progress.step),
    view.prose(WORDS.howToPredict, { letters }),
    ...view.commands(lab, step, folder),
    view.prose(WORDS.howToGoOn),
  ]);
}

async function printEnd({ lab: { name, steps, topics }, progress }: LabState, view: LabView): Promise<void> {
  const right = steps.filter(({ answer }, index) => progress.predictions[index] === answer).length;
  const all = await names();
  const next = all[all.indexOf(name) + 1];
  printBlocks([
    { kind: 'prose', text: '' },
    view.prose(WORDS.done, { name, right, count: steps.length }),
    view.prose(WORDS.more),
    ...topics.map((topic): Block => ({ kind: 'command', text: `foster explain ${topic}` })),
    ...(next === undefined ? [] : [view.prose(WORDS.next, { next })]),
  ]);
}

/** What the check of a step has found. If everything is met, why it is so, and the end of the lab. */
export async function printFindings(state: LabState, findings: Finding[], view: LabView): Promise<void> {
  printBlocks(view.findings(findings));
  if (areMet(findings)) {
    await printWhy(state, view);
    return;
  }
  printBlocks([view.prose((await hasLost(state)) ? WORDS.lost : WORDS.notYet)]);
}

/** What was done for the learner. */
export async function printSolution(state: LabState, solution: Solution, view: LabView): Promise<void> {
  printBlocks(view.solution(solution));
  if (areMet(solution.findings)) await printWhy(state, view);
}

/** The step before the present one has just been done. */
async function printWhy(state: LabState, view: LabView): Promise<void> {
  const { lab, progress } = state;
  const done = lab.steps[progress.step - 1];
  if (done !== undefined) printBlocks(view.explanation(done, progress.predictions[progress.step - 1]));
  if (progress.step === lab.steps.length) await printEnd(state, view);
}

export function printHint(state: LabState, view: LabView): void {
  printBlocks([view.heading(WORDS.hint), view.prose(presentStep(state).hint)]);
}
