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
 * A failure a person can act on. `message` is one sentence: what failed, on what, why; `advice`, where there is
 * any, says what to do about it. The CLI prints both on one line and exits with `exitCode`.
 */
export class FosterError extends Error {
  override readonly name = 'FosterError';
  readonly exitCode: number;
  readonly advice: string | undefined;

  constructor(message: string, options: { advice?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.advice = options.advice;
    this.exitCode = options.exitCode ?? EXIT.FOSTER;
  }

  /** The message with its advice, as the CLI prints it. */
  get sentence(): string {
    return this.advice === undefined ? this.message : `${this.message}; ${this.advice}`;
  }
}
