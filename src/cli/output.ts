import { fstatSync, writeSync } from 'node:fs';
import { printable, visible } from '../spec/parse/flag.js';
import { errnoNumber, errnoOf, errnoWords, isReaderGone } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { systemFailure } from './system-error.js';

/** The effect of the global options, and the exit code that a command sets. */
export const settings = { debug: false, warns: true, printsResults: true, exitCode: 0 };

/**
 * Writes text to standard output. Text from an image, a container or a registry cannot control the terminal, because control
 * characters are escaped. If the reader is gone (`foster ps | head -1`), the process ends without an error.
 */
export function print(text: string): void {
  printRaw(printable(text));
}

/**
 * Like `print`, for foster's own text, which may control the terminal. It does not use `process.stdout`, because setting
 * that up takes longer than most commands.
 */
export function printRaw(text: string): void {
  printOr(() => process.exit(0), text);
}

/**
 * Like `print`, for one of several things that a command does. If the reader is gone, the others are done all the same, without a
 * word: a container that has been told to stop is still to be killed when its time is over.
 */
export function printDone(text: string): void {
  printOr(() => {
    settings.printsResults = false;
  }, printable(text));
}

function printOr(stop: () => void, text: string): void {
  if (!settings.printsResults) return;
  try {
    writeAll(1, text);
  } catch (error) {
    if (!isReaderGone(error)) throw outputError(error);
    stop();
  }
}

/** What is said of Node's error of a write to standard output. It is not like any other full disk: the caller has chosen the file. */
export function outputError(error: unknown): unknown {
  const code = errnoOf(error);
  return code === undefined
    ? error
    : new FosterError(`cannot write to standard output: ${errnoWords(errnoNumber(code))}`);
}

/** Writes text to standard error, like `print`. Ignores errors, because they could not be reported anyway. */
export function printError(text: string): void {
  printErrorRaw(printable(text));
}

function printErrorRaw(text: string): void {
  try {
    writeAll(2, text);
  } catch {
    // the exit code still reports the failure
  }
}

function writeAll(descriptor: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      // another process has made the pipe or terminal non-blocking: wait a moment for space
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

/** Describes an error that is not a FosterError. Unless the system caused it, it is a bug of foster. */
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

/** `text` in an SGR colour, if standard error is a terminal and NO_COLOR is not set. */
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
