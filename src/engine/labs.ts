import type { Language } from '../explain/language.js';
import type { Finding, Lab, Step } from '../lab/lab.js';
import type { Progress } from '../lab/progress.js';
import type { Output } from '../lab/shell.js';
import { FosterError } from '../sys/errors.js';
import type { Solution } from './views/lab.js';

export type { Finding, Lab, Output, Solution, Step };

/**
 * Operations on labs: experiments with containers, in steps that are checked against the kernel's state. A lab is given by its
 * name; undefined means the one that was used last.
 */

/** A lab, and how far the learner has come in it. */
export interface LabState {
  lab: Lab;
  progress: Progress;
  /** The lab's own folder. */
  folder: string;
}

/** A row of the list. */
export interface LabRow {
  Name: string;
  Title: string;
  Steps: string;
  State: string;
}

/** Milliseconds in which what a learner has just started may become true, and what `solve` has. */
const PATIENCE = 1500;
const SOLVING_PATIENCE = 20_000;
/** Milliseconds between two looks. */
const INTERVAL = 50;

/** The names of all labs. */
export async function names(): Promise<readonly string[]> {
  return (await import('../lab/catalogue.js')).LAB_NAMES;
}

/** A function for a shell: `foster` is this foster, with the data folder of the caller. */
export async function shellPrelude(): Promise<string> {
  return (await import('../lab/shell.js')).ownFoster();
}

/** All labs, in the order in which one learns from them, with the learner's progress. */
export async function rows(language: Language): Promise<LabRow[]> {
  const { findLab, LAB_NAMES } = await import('../lab/catalogue.js');
  const { readProgress } = await import('../lab/progress.js');
  const { fill } = await import('../lab/text.js');
  const { WORDS } = await import('../lab/messages.js');
  const labs = await Promise.all(LAB_NAMES.map(findLab));
  return labs.map(({ name, title, steps }) => {
    const step = readProgress(name, steps.length)?.step;
    const values = { number: (step ?? 0) + 1, count: steps.length };
    const state = step === undefined ? WORDS.fresh : step === steps.length ? WORDS.finished : WORDS.begun;
    return {
      Name: name,
      Title: title[language],
      Steps: String(steps.length),
      State: fill(state, values)[language],
    };
  });
}

/**
 * Begins a lab, or goes on with it.
 * @throws FosterError if there is no such lab, the machine lacks what it needs, or there are containers with its names
 */
export async function begin(name: string, language: Language): Promise<LabState & { isNew: boolean }> {
  const { findLab } = await import('../lab/catalogue.js');
  const { labFolder, readProgress, writeProgress } = await import('../lab/progress.js');
  const { makeFiles } = await import('../lab/files.js');
  const lab = await findLab(name);
  await requireMachine(lab, language);
  const folder = labFolder(name);
  const found = readProgress(name, lab.steps.length);
  if (found === undefined) await requireFreeNames(lab);
  const progress = found ?? { version: 1, lab: name, step: 0, predictions: [] };
  makeFiles(lab, folder);
  writeProgress(progress);
  return { lab, progress, folder, isNew: found === undefined };
}

/** @throws FosterError if the lab was not begun */
export async function open(name: string | undefined): Promise<LabState> {
  const { findLab } = await import('../lab/catalogue.js');
  const { labFolder, latestLab, readProgress } = await import('../lab/progress.js');
  const wanted = name ?? latestLab();
  if (wanted === undefined)
    throw new FosterError('no lab was begun', {
      kind: 'not-found',
      advice: 'foster lab list lists them, and foster lab start NAME begins one',
      exitCode: 1,
    });
  const lab = await findLab(wanted);
  const progress = readProgress(wanted, lab.steps.length);
  if (progress === undefined)
    throw new FosterError(`lab ${wanted} was not begun`, {
      kind: 'not-found',
      advice: `foster lab start ${wanted}`,
      exitCode: 1,
    });
  return { lab, progress, folder: labFolder(wanted) };
}

/** The step that is to be done. @throws FosterError if the lab is done */
export function presentStep({ lab, progress }: LabState): Step {
  const step = lab.steps[progress.step];
  if (step !== undefined) return step;
  throw new FosterError(`lab ${lab.name} is done`, {
    kind: 'conflict',
    advice: `to do it again: foster lab reset ${lab.name}, then foster lab start ${lab.name}`,
    exitCode: 1,
  });
}

/** Records what the learner predicts for the present step: the letter of a choice. @throws FosterError */
export async function predict(state: LabState, letter: string): Promise<void> {
  const { writeProgress } = await import('../lab/progress.js');
  const { letterOf } = await import('./views/lab.js');
  const { quoted } = await import('../spec/parse/flag.js');
  const letters = presentStep(state).choices.map((_, index) => letterOf(index));
  const index = letters.indexOf(letter.toLowerCase());
  if (index < 0)
    throw new FosterError(`cannot record ${quoted(letter)}: expected ${letters.join(', ')}`, {
      kind: 'invalid',
      exitCode: 1,
    });
  const { progress } = state;
  progress.predictions = state.lab.steps.map((_, step) => progress.predictions[step] ?? null);
  progress.predictions[progress.step] = index;
  writeProgress(progress);
}

/** Looks whether the present step is done; if it is, the next one becomes the present one. */
export async function check(state: LabState, patience = PATIENCE): Promise<Finding[]> {
  const { writeProgress } = await import('../lab/progress.js');
  const { checks } = presentStep(state);
  const findings = await examineFor(patience, checks, state.folder);
  if (areMet(findings)) state.progress.step += 1;
  writeProgress(state.progress);
  return findings;
}

/** Whether all are met. */
export function areMet(findings: readonly Finding[]): boolean {
  return findings.every(({ isMet }) => isMet);
}

async function examineFor(patience: number, checks: Step['checks'], folder: string): Promise<Finding[]> {
  const { examine } = await import('../lab/check.js');
  const { waitFor } = await import('../sys/poll.js');
  const end = performance.now() + patience;
  for (;;) {
    const findings = examine(checks, folder);
    if (areMet(findings) || performance.now() > end) return findings;
    await waitFor(INTERVAL);
  }
}

/** Whether something that an earlier step has made is gone, such as a container that was killed. */
export async function hasLost(state: LabState): Promise<boolean> {
  const { missing } = await import('../lab/things.js');
  return missing(state.lab, state.progress.step, state.folder).length > 0;
}

/** Does the present step for the learner, with the same commands. What an unfinished attempt has made is removed first. */
export async function solve(state: LabState): Promise<Solution> {
  const { missing } = await import('../lab/things.js');
  const { runCommand } = await import('../lab/shell.js');
  const { lab, progress, folder } = state;
  const index = progress.step;
  const step = presentStep(state);
  const runAll = async (commands: readonly string[]) => {
    const outputs: Output[] = [];
    for (const command of commands) outputs.push(await runCommand(command, folder));
    return outputs;
  };
  const redo = async (at: number) => {
    const { run = [] } = lab.steps[at] ?? {};
    await removeThings(lab.steps.slice(at, at + 1));
    return await runAll(run);
  };
  const again: Solution['again'] = [];
  for (const maker of missing(lab, index, folder)) again.push({ index: maker, outputs: await redo(maker) });
  const run = await redo(index);
  const findings = await check(state, SOLVING_PATIENCE);
  const see = await runAll(step.see ?? []);
  return { step, again, run, see, findings };
}

/** Removes everything that a lab has made, and forgets the progress. @returns its name */
export async function reset(name: string | undefined): Promise<string> {
  const { findLab } = await import('../lab/catalogue.js');
  const { removeProgress, latestLab } = await import('../lab/progress.js');
  const wanted = name ?? latestLab();
  const lab = wanted === undefined ? (await open(undefined)).lab : await findLab(wanted);
  await removeThings(lab.steps);
  const { remove } = await import('./images.js');
  for (const image of lab.images ?? []) await unlessAbsent(remove([image], { force: true }));
  removeProgress(lab.name);
  return lab.name;
}

async function removeThings(steps: readonly Step[]): Promise<void> {
  const { madeBy } = await import('../lab/things.js');
  const things = madeBy(steps);
  const { remove } = await import('./containers.js');
  for (const name of things.containers) await unlessAbsent(remove(name, { force: true }));
  if (things.pods.length > 0) {
    const pods = await import('./pods.js');
    for (const name of things.pods) await unlessAbsent(pods.remove(name, { force: true, timeout: 0 }));
  }
  if (things.networks.length > 0) {
    const networks = await import('./networks.js');
    for (const name of things.networks) await unlessAbsent(networks.remove(name, { force: true }));
  }
  if (things.volumes.length > 0) {
    const volumes = await import('./volumes.js');
    for (const name of things.volumes) await unlessAbsent(volumes.remove(name));
  }
}

async function unlessAbsent(removing: Promise<unknown>): Promise<void> {
  try {
    await removing;
  } catch (error) {
    if (!(error instanceof FosterError) || error.kind !== 'not-found') throw error;
  }
}

/** @throws FosterError if the machine lacks something that a lab needs */
async function requireMachine(lab: Lab, language: Language): Promise<void> {
  const { whatLacks } = await import('../lab/needs.js');
  const need = await whatLacks(lab.needs ?? []);
  if (need === undefined) return;
  const { LACKS, WORDS } = await import('../lab/messages.js');
  const { fill } = await import('../lab/text.js');
  throw new FosterError(fill(WORDS.cannot, { name: lab.name, lack: LACKS[need] })[language], {
    kind: 'unsupported',
    advice: (need === 'rootless' ? WORDS.asUser : WORDS.offer)[language],
    exitCode: 1,
  });
}

/** @throws FosterError if a container or a pod of somebody else has a name that the lab needs */
async function requireFreeNames(lab: Lab): Promise<void> {
  const { taken } = await import('../lab/things.js');
  const [name] = taken(lab.steps);
  if (name === undefined) return;
  throw new FosterError(`cannot begin lab ${lab.name}: there is a container ${name} already`, {
    kind: 'conflict',
    advice: `if it is not needed any more: foster rm -f ${name}`,
    exitCode: 1,
  });
}
