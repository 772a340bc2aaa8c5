import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireStrace } from '../container/traced.js';
import { FosterError } from '../sys/errors.js';
import { dataFolder } from '../sys/paths.js';
import { childrenOf } from '../sys/process.js';
import { surroundings } from '../sys/surroundings.js';
import { TRACED_OF_LAUNCHER } from './strace.js';

/** What strace has written about a run. */
export interface Traces {
  /** Of foster, which starts PID 1. */
  launcher: string;
  /** Of PID 1 and the user's process. */
  init: string;
}

/** Characters that are kept of what the run writes to standard error: the steps of --explain, and what the program says. */
const MOST_SAID = 1024 * 1024;

/**
 * Runs a container under strace. The program gets this process's standard input; what it prints goes to standard error, errors at the end.
 * @param words what follows `foster run`
 * @throws FosterError if it could not be started
 */
export async function traceRun(words: readonly string[]): Promise<Traces> {
  const strace = requireStrace();
  const folder = mkdtempSync(join(tmpdir(), 'foster-strace-'));
  const { onInterrupt, env } = surroundings();
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const forgetFolder = onInterrupt(remove, { last: true });
  const files = { launcher: join(folder, 'launcher'), init: join(folder, 'init') };
  const run = [
    process.execPath,
    join(__dirname, 'foster.cjs'),
    '--root',
    dataFolder(),
    'run',
    '--explain',
    ...words,
  ];
  const child = spawn(
    strace,
    ['-q', '-s', '300', '-e', `trace=${TRACED_OF_LAUNCHER}`, '-o', files.launcher, ...run],
    {
      env: { ...env, FOSTER_STRACE: files.init },
      stdio: ['inherit', 2, 'pipe'],
    },
  );
  const forget = onInterrupt(() => {
    // strace itself ignores signals until its program has ended
    for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, 'SIGTERM');
  });
  try {
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-MOST_SAID);
    });
    await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    const init = readIf(files.init);
    const [steps = '', ofProgram] = said.split(/^ *\d+ {2}run the program\n.*\n/m);
    if (ofProgram === undefined || init === '') throw failure(steps);
    surroundings().failedOutput(Buffer.from(ofProgram));
    return { launcher: readIf(files.launcher), init };
  } finally {
    forget();
    forgetFolder();
    remove();
  }
}

/** The error of the run, which is its last line. */
function failure(said: string): FosterError {
  const last = said.trimEnd().split('\n').at(-1) ?? '';
  const message = last.replace(/^foster: /, '');
  return new FosterError(message === '' ? 'the run ended before its program was executed' : message);
}

function readIf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
