import { createInterface } from 'node:readline/promises';
import { FosterError } from '../sys/errors.js';
import { printError } from './output.js';

/** Asks the user at the terminal. @throws FosterError if there is no terminal */
export async function ask(question: string): Promise<string> {
  requireTerminal(question);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
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

/** Like `ask`, but the terminal does not show the answer. */
export async function askSecret(question: string): Promise<string> {
  requireTerminal(question);
  printError(question);
  const { stdin } = process;
  stdin.setRawMode(true);
  try {
    let answer = '';
    for await (const piece of stdin as AsyncIterable<Buffer>) {
      for (const char of piece.toString('utf8')) {
        if (char === '\r' || char === '\n') return answer;
        if (char === '\x03' || (char === '\x04' && answer === '')) throw interruption();
        if (char === '\x7f' || char === '\b') answer = answer.slice(0, -1);
        else if (char === '\x15') answer = '';
        else answer += char;
      }
    }
    throw interruption();
  } finally {
    if (!stdin.destroyed) stdin.setRawMode(false);
    printError('\n');
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
