import type { Container } from '../../container/store.js';
import { FosterError } from '../../sys/errors.js';
import { print, reportError, settings } from '../output.js';

/** Does one of several things: where it fails that is told, the exit code becomes 1, and the others go on. */
export async function orReport(act: () => unknown): Promise<void> {
  try {
    await act();
  } catch (error) {
    const exitCode = reportError(error);
    settings.exitCode = error instanceof FosterError ? 1 : exitCode;
  }
}

/** Does the same to several containers at once, and prints the reference of each for which it went well. */
export async function forEachContainer(
  references: string[],
  act: (container: Container) => unknown,
): Promise<void> {
  const { findContainer } = await import('../../container/store.js');
  await Promise.all(
    references.map((reference) =>
      orReport(async () => {
        await act(findContainer(reference));
        print(`${reference}\n`);
      }),
    ),
  );
}
