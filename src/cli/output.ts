import { fstatSync, writeSync } from 'node:fs';
import { printable, visible } from '../spec/parse/flag.js';
import { errnoWords, isReaderGone } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { systemFailure } from './system-error.js';

/** What the global options say, and the exit code that a command decides on. */
export const settings = { debug: false, warns: true, printsResults: true, exitCode: 0 };

/**
 * Writes text to standard output. What an image, a container or a registry has put into it cannot drive the terminal:
 * control characters go out as escapes. Where nobody reads any more (`foster ps | head -1`), the process ends quietly.
 */
export function print(text: string): void {
  printRaw(printable(text));
}

/**
 * As `print`, of text that may drive the terminal, with nothing in it that is not foster's own. Written without
 * `process.stdout`, whose set-up costs more than most commands do.
 */
export function printRaw(text: string): void {
  if (!settings.printsResults) return;
  try {
    writeAll(1, text);
  } catch (error) {
    if (isReaderGone(error)) process.exit(0);
    throw error;
  }
}

/** Writes text to standard error, as `print` does; where that is not possible there is nobody to tell. */
export function printError(text: string): void {
  printErrorRaw(printable(text));
}

function printErrorRaw(text: string): void {
  try {
    writeAll(2, text);
  } catch {
    // the exit code still says it
  }
}

function writeAll(descriptor: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      // the other end made the pipe or terminal non-blocking: wait a moment for room
      if (!isCode(error, 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Prints `foster: SENTENCE` for an error, its stack too with --debug, and returns the exit code it asks for. */
export function reportError(error: unknown): number {
  const sentence = error instanceof FosterError ? error.sentence : describe(error);
  printErrorRaw(`${paint('foster:', 31)} ${visible(sentence)}\n`);
  if (settings.debug && error instanceof Error) printError(`${stackOf(error)}\n`);
  return error instanceof FosterError ? error.exitCode : 125;
}

/** Any other error but one that the system gave is a mistake of foster's own. */
function describe(error: unknown): string {
  const failure = systemFailure(error);
  if (failure !== undefined) return failure;
  if (error instanceof Error && 'path' in error && 'errno' in error && typeof error.errno === 'number') {
    const call = 'syscall' in error ? String(error.syscall) : 'use';
    return `cannot ${call} ${String(error.path)}: ${errnoWords(-error.errno)}`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return `unexpected error: ${message}${settings.debug ? '' : '; run it again as foster --debug ... for details'}`;
}

/** Prints `foster: warning: SENTENCE`. */
export function warn(sentence: string): void {
  if (!settings.warns) return;
  printErrorRaw(`${paint('foster: warning:', 33)} ${visible(sentence)}\n`);
}

function stackOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own;
}

/** `text` in an SGR colour of standard error, where that is a terminal and nobody said NO_COLOR. */
function paint(text: string, colour: number): string {
  const { NO_COLOR, TERM } = process.env;
  const wanted = !NO_COLOR && TERM !== 'dumb' && isTerminal(2);
  return wanted ? `\x1b[1;${colour}m${text}\x1b[0m` : text;
}

/** The major numbers of terminals: tty 4, console and /dev/tty 5, pseudo-terminals 136 to 143. */
function isTerminal(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    const major = Math.floor(stat.rdev / 256) % 4096;
    return stat.isCharacterDevice() && (major === 4 || major === 5 || (major >= 136 && major <= 143));
  } catch {
    return false;
  }
}
