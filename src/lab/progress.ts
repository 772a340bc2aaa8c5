import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { chooseIdMaps } from '../spec/choose-id-maps.js';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { writeFileAtomically } from '../sys/files.js';
import { dataFolder, makeFolder } from '../sys/paths.js';
import { removeTrees } from '../worker/remove-trees.js';

/** How far a learner has come in a lab: `labs/NAME.json` in the data folder (docs/state.md). */
export interface Progress {
  version: 1;
  lab: string;
  /** The index of the present step; the number of steps when the lab is done. */
  step: number;
  /** The index of the choice that was predicted in each step; null without a prediction. */
  predictions: (number | null)[];
}

function labsFolder(): string {
  return join(dataFolder(), 'labs');
}

function progressFile(lab: string): string {
  return join(labsFolder(), `${lab}.json`);
}

/** The folder with the files of a lab. */
export function labFolder(lab: string): string {
  return join(labsFolder(), lab);
}

/**
 * How far a lab has come; undefined if it was not begun.
 * @param steps the number of its steps
 * @throws FosterError if the file is damaged, or of a later version of foster
 */
export function readProgress(lab: string, steps: number): Progress | undefined {
  let text: string;
  try {
    text = readFileSync(progressFile(lab), 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const progress = parseProgress(text, lab, steps);
  if (progress !== undefined) return progress;
  throw new FosterError(
    `cannot go on with lab ${lab}: ${progressFile(lab)} is damaged, or of another version`,
    {
      advice: `start all over: foster lab reset ${lab}`,
      exitCode: 1,
    },
  );
}

/** Undefined if the text is not the progress of this lab. */
export function parseProgress(text: string, lab: string, steps: number): Progress | undefined {
  let value: Partial<Progress> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, step, predictions, lab: name } = value;
  const isIndex = (one: unknown) => typeof one === 'number' && Number.isInteger(one) && one >= 0;
  if (version !== 1 || name !== lab || step === undefined || !isIndex(step) || step > steps) return undefined;
  if (!Array.isArray(predictions) || predictions.length > steps) return undefined;
  if (!predictions.every((one) => one === null || isIndex(one))) return undefined;
  return { version, lab, step, predictions };
}

/** Writes it. The lab whose progress was written last is the one that a command without a name means. */
export function writeProgress(progress: Progress): void {
  makeFolder(labsFolder());
  writeFileAtomically(progressFile(progress.lab), `${JSON.stringify(progress)}\n`, { durable: false });
}

/** Removes the progress and the files of a lab, also those that belong to users of containers. */
export function removeProgress(lab: string): void {
  removeFolder(labFolder(lab));
  for (const suffix of ['', '.new']) rmSync(`${progressFile(lab)}${suffix}`, { force: true });
}

/** The same for all labs. */
export function removeAllProgress(): void {
  removeFolder(labsFolder());
}

function removeFolder(folder: string): void {
  if (!existsSync(folder)) return;
  const maps = chooseIdMaps('default', process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  if (removeTrees([folder], maps)) return;
  throw new FosterError(`cannot remove ${folder}: some of its files are still there`, { exitCode: 1 });
}

/** The lab that was used last. */
export function latestLab(): string | undefined {
  const begun = readdirOrNot(labsFolder()).flatMap((name) => {
    const lab = /^([a-z-]+)\.json$/.exec(name)?.[1];
    const changed = lab && statSync(progressFile(lab), { throwIfNoEntry: false })?.mtimeMs;
    return lab && changed ? [{ lab, changed }] : [];
  });
  return begun.toSorted((a, b) => b.changed - a.changed)[0]?.lab;
}

function readdirOrNot(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
