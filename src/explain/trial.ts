import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { dataFolder } from '../sys/paths.js';
import { surroundings } from '../sys/surroundings.js';

/** What a command has printed. */
export interface TrialResult {
  command: string;
  /** Standard output and error together. */
  output: string[];
  /** Undefined if it took too long and was killed. */
  exitCode: number | undefined;
}

/** Milliseconds that a command may take. */
const LIMIT = 20_000;
/** Milliseconds after which it is killed, when it has been asked to end. */
const GRACE = 2000;
/** Bytes and lines that are kept of what it prints. */
const MOST_BYTES = 64 * 1024;
const MOST_LINES = 20;

/** `foster` in a trial is this foster, with the caller's data folder, wherever it is installed. */
const PRELUDE =
  'foster() { "$FOSTER_TRIAL_NODE" "$FOSTER_TRIAL_MAIN" --root "$FOSTER_TRIAL_ROOT" "$@"; }\nexec 2>&1\n';

/**
 * Runs a command of a topic, in a process group of its own, without input. It is stopped after a time, and when the caller is interrupted,
 * and its containers with it.
 */
export async function runTrial(command: string): Promise<TrialResult> {
  const { env, onInterrupt } = surroundings();
  const child = spawn('/bin/sh', ['-c', PRELUDE + command], {
    cwd: '/',
    env: {
      ...env,
      FOSTER_TRIAL_NODE: process.execPath,
      FOSTER_TRIAL_MAIN: join(__dirname, 'foster.cjs'),
      FOSTER_TRIAL_ROOT: dataFolder(),
    },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const send = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // it has ended
    }
  };
  const ended = new Promise<number | undefined>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? undefined));
  });
  // foster removes its container when it is asked to end, and could not when it is killed
  const stop = async () => {
    send('SIGTERM');
    const last = setTimeout(() => send('SIGKILL'), GRACE);
    await ended.catch(() => {});
    clearTimeout(last);
  };
  const forget = onInterrupt(stop);
  const limit = setTimeout(stop, LIMIT);
  const pieces: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (piece: Buffer) => {
    if (size < MOST_BYTES) pieces.push(piece);
    size += piece.length;
  });
  try {
    const exitCode = await ended;
    return { command, output: linesOf(Buffer.concat(pieces).subarray(0, MOST_BYTES).toString()), exitCode };
  } finally {
    clearTimeout(limit);
    forget();
  }
}

function linesOf(text: string): string[] {
  const lines = text.replaceAll('\r', '').replaceAll('\t', '        ').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.length <= MOST_LINES ? lines : [...lines.slice(0, MOST_LINES), '...'];
}
