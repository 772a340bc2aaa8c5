import { resolve } from 'node:path';
import { flagError } from './flag.js';

/** How the files of the caller are read. */
export interface FileContext {
  /** Absolute path; relative ones are relative to it. */
  cwd: string;
  /** Reads a text file; throws as node:fs does. */
  readText: (path: string) => string;
}

/** The text of a file that a flag names. @throws FosterError */
export function readFlagFile(flag: string, file: string, context: FileContext): string {
  try {
    return context.readText(resolve(context.cwd, file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const problem = code === 'ENOENT' ? 'no such file' : `the file cannot be read (${code})`;
    throw flagError(flag, file, problem);
  }
}
