import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { surroundings } from '../sys/surroundings.js';

/** What a command of a lab has printed. */
export interface Output {
  command: string;
  /** Standard output and standard error. */
  text: string;
  exitCode: number;
}

/** Milliseconds for a command of a lab, which takes one or two seconds at most. */
const TIMEOUT = 120_000;
/** What a shell reports for SIGKILL. */
const KILLED = 137;
/** Bytes that are kept of its output. */
const MOST_OUTPUT = 64 * 1024;

let latest: Promise<unknown> = Promise.resolve();

/** Waits until the command that runs at present has ended. */
export async function whenIdle(): Promise<void> {
  await latest;
}

/**
 * Runs a command as the learner's shell would, in a folder. `foster` is this foster, with the data folder of the caller.
 * @returns its output; the end is missing if there is too much of it
 */
export async function runCommand(command: string, folder: string): Promise<Output> {
  await surroundings().stopIfInterrupted();
  const child = spawn('/bin/sh', ['-c', `exec 2>&1\n${ownFoster()}\n${command}`], {
    cwd: folder,
    env: { ...surroundings().env },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: TIMEOUT,
    killSignal: 'SIGKILL',
  });
  const pieces: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (piece: Buffer) => {
    if (size < MOST_OUTPUT) pieces.push(piece.subarray(0, MOST_OUTPUT - size));
    size += piece.length;
  });
  const ended = new Promise<number>((settle, fail) => {
    child.on('error', fail);
    child.on('close', (code) => settle(code ?? KILLED));
  });
  latest = ended.catch(() => {});
  const exitCode = await ended;
  return { command, text: Buffer.concat(pieces).toString('utf8'), exitCode };
}

/** A function of the shell: which foster is on the PATH, if any, does not matter. */
export function ownFoster(): string {
  const { dataRoot, storageDriver } = surroundings();
  const options = [
    ...(dataRoot === undefined ? [] : ['--root', dataRoot]),
    ...(storageDriver === undefined ? [] : ['--storage-driver', storageDriver]),
  ];
  return `foster() { ${[join(__dirname, 'foster'), ...options].map(inQuotes).join(' ')} "$@"; }`;
}

function inQuotes(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
