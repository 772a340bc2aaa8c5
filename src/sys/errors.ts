/**
 * Exit codes that foster shares with Docker and Podman: failures of foster itself are 125, so that they are not
 * mistaken for the exit code of the user's process.
 */
export const EXIT = {
  /** foster failed before it could start the user's process */
  FOSTER: 125,
  /** the command exists but cannot be executed */
  CANNOT_EXECUTE: 126,
  /** the command does not exist */
  NOT_FOUND: 127,
  /** the caller has cancelled it: as a shell reports a program that Ctrl-C has ended */
  INTERRUPTED: 130,
} as const;

/**
 * The kind of a failure, for programs:
 * - `not-found`: there is no such container, image, network or volume
 * - `conflict`: the current state does not allow it: a name in use, a container that is running, or is not
 * - `invalid`: the request is not valid
 * - `unsupported`: foster or this machine does not support it
 * - `denied`: the caller lacks permission, or the registry refuses
 * - `interrupted`: the caller has cancelled it
 * - `failed`: anything else, such as a full disk or a program that cannot be executed
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
 * A failure that users can act on. `message` is one sentence: what failed, on what, and why; `advice`, if any, says
 * what to do about it. The CLI prints both on one line and exits with `exitCode`.
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
    // whatever the work was a part of
    this.exitCode = this.kind === 'interrupted' ? EXIT.INTERRUPTED : (options.exitCode ?? EXIT.FOSTER);
  }

  /** The message with its advice, as the CLI prints it. */
  get sentence(): string {
    return this.advice === undefined ? this.message : `${this.message}; ${this.advice}`;
  }
}

/** The kind of a failure that becomes a part of another. */
export function kindOf(error: unknown): ErrorKind {
  if (error instanceof FosterError) return error.kind;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'not-found';
  return code === 'EACCES' || code === 'EPERM' ? 'denied' : 'failed';
}

/** Whether an error says that the program in a container was not found or cannot be executed. */
export function isExecutionFailure(error: unknown): error is FosterError {
  return (
    error instanceof FosterError &&
    (error.exitCode === EXIT.CANNOT_EXECUTE || error.exitCode === EXIT.NOT_FOUND)
  );
}
