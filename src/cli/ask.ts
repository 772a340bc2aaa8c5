import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { FosterError } from '../sys/errors.js';
import { printError } from './output.js';

/** Asks the user at the terminal. @throws FosterError if there is no terminal */
export async function ask(question: string): Promise<string> {
  return await answer(question, process.stderr);
}

/** Like `ask`, but the terminal does not show the answer. */
export async function askSecret(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  requireTerminal(question);
  try {
    return await answer(question, nowhere);
  } finally {
    printError('\n');
  }
}

/**
 * Both kinds of questions are readline's, because that resumes standard input, which an earlier question has paused. Whoever reads it
 * otherwise right afterwards waits for nothing: the pause takes effect later, and the process ends without an error.
 */
async function answer(question: string, output: NodeJS.WritableStream): Promise<string> {
  requireTerminal(question);
  const terminal = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  // the terminal no longer shows what is typed, and Ctrl-C is ours: only now may the user begin
  if (output !== process.stderr) printError(question);
  try {
    const interrupted = new Promise<never>((_resolve, reject) => {
      terminal.on('SIGINT', () => reject(interruption()));
      terminal.on('close', () => reject(interruption()));
    });
    return await Promise.race([terminal.question(question), interrupted]);
  } finally {
    terminal.close();
  }
}

function requireTerminal(question: string): void {
  if (process.stdin.isTTY) return;
  throw new FosterError(`cannot ask for ${question.replace(/:\s*$/, '')}: standard input is not a terminal`, {
    advice: 'give -u USER and --password-stdin',
  });
}

function interruption(): FosterError {
  return new FosterError('nothing was entered', { exitCode: 130 });
}
