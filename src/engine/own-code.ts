import { EXIT, FosterError } from '../sys/errors.js';

/** The exit code of a failure of foster itself means something only where a command of a container has one. */
export function withOwnCode(error: unknown): unknown {
  if (!(error instanceof FosterError) || error.exitCode < EXIT.FOSTER || error.kind === 'interrupted')
    return error;
  const { message, kind, advice } = error;
  return new FosterError(message, {
    kind,
    exitCode: 1,
    cause: error,
    ...(advice !== undefined && { advice }),
  });
}
