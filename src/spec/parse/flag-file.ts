import { resolve } from 'node:path';
import { flagError } from './flag.js';

/** How the files of the caller are read. */
export interface FileContext {
  /** Absolute path; relative ones are relative to it. */
  cwd: string;
  /** Reads a text file; throws as node:fs does. */
  readText: (path: string) => string;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'this is a directory, not a file',
  EACCES: 'you may not read this file',
};

/** The text of a file that a flag names. @throws FosterError */
export function readFlagFile(flag: string, file: string, context: FileContext): string {
  try {
    return context.readText(resolve(context.cwd, file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const problem = typeof code === 'string' ? PROBLEMS[code] : undefined;
    throw flagError(flag, file, problem ?? `the file cannot be read (${code})`);
  }
}
