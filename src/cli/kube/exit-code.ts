import { EXIT, FosterError } from '../../sys/errors.js';

/** Failures have Podman's exit code, whatever has failed: no exit code of a program is meant. @throws FosterError */
export async function withPodmansCode<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof FosterError) || error.kind === 'interrupted') throw error;
    const { message, kind, advice } = error;
    const more = advice === undefined ? {} : { advice };
    throw new FosterError(message, { kind, exitCode: EXIT.FOSTER, cause: error, ...more });
  }
}
