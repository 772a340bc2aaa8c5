import { spawn } from 'node:child_process';
import { CALLER } from '../surroundings.js';

/** The words that run this foster with the same data. */
function ownCommand(args: readonly string[]): string[] {
  const { dataRoot, storageDriver } = CALLER;
  return [
    process.argv[1] ?? '',
    ...(dataRoot === undefined ? [] : ['--root', dataRoot]),
    ...(storageDriver === undefined ? [] : ['--storage-driver', storageDriver]),
    ...args,
  ];
}

/** The output that is kept of a command, in characters. */
const MOST = 1_000_000;

/** Runs a foster command. @returns what it has written, to both streams, and its exit code */
export async function outputOf(args: readonly string[]): Promise<{ text: string; code: number }> {
  const child = spawn(process.execPath, ownCommand(args), { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text = (text + piece).slice(-MOST);
    });
  return { code: await endOf(child), text };
}

/** Runs a foster command on this terminal. @returns its exit code, and what it has written to standard error */
export async function runOnTerminal(args: readonly string[]): Promise<{ code: number; error: string }> {
  const child = spawn(process.execPath, ownCommand(args), { stdio: ['inherit', 'inherit', 'pipe'] });
  let error = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    error = (error + piece).slice(-MOST);
  });
  return { code: await endOf(child), error };
}

function endOf(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done(code ?? 125));
  });
}
