/**
 * Exit codes that foster shares with Docker and Podman: what foster itself could not do is 125, so that it is
 * never mistaken for the exit code of the user's process.
 */
export const EXIT = {
  /** foster failed before the user's process could be tried */
  FOSTER: 125,
  /** the command exists but cannot be executed */
  CANNOT_EXECUTE: 126,
  /** the command does not exist */
  NOT_FOUND: 127,
} as const;

/**
 * What kind of failure it is, for programs that decide by it:
 * - `not-found`: there is no such container or image
 * - `conflict`: what is there is in the way: a name in use, a container that runs, or does not
 * - `invalid`: what was asked for makes no sense
 * - `unsupported`: foster, or this machine, cannot do it
 * - `denied`: the caller may not, or the registry says so
 * - `interrupted`: the caller has ended it
 * - `failed`: all else, such as a full disk or a program that cannot be executed
 */
export type ErrorKind =
  | 'not-found'
  | 'conflict'
  | 'invalid'
  | 'unsupported'
  | 'denied'
  | 'interrupted'
  | 'failed';

/**
 * A failure a person can act on. `message` is one sentence: what failed, on what, why; `advice`, where there is
 * any, says what to do about it. The CLI prints both on one line and exits with `exitCode`.
 */
export class FosterError extends Error {
  override readonly name = 'FosterError';
  readonly exitCode: number;
  readonly advice: string | undefined;
  readonly kind: ErrorKind;

  constructor(
    message: string,
    options: { advice?: string; exitCode?: number; kind?: ErrorKind; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.advice = options.advice;
    this.kind = options.kind ?? 'failed';
    this.exitCode = options.exitCode ?? EXIT.FOSTER;
  }

  /** The message with its advice, as the CLI prints it. */
  get sentence(): string {
    return this.advice === undefined ? this.message : `${this.message}; ${this.advice}`;
  }
}
