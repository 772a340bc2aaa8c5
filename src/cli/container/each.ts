import { FosterError } from '../../sys/errors.js';
import { printDone, reportError, settings } from '../output.js';

/** Does one of several things. If it fails, the error is printed, the others continue, and the worst exit code counts. */
export async function orReport(act: () => unknown): Promise<void> {
  try {
    await act();
  } catch (error) {
    const exitCode = reportError(error);
    settings.exitCode = Math.max(settings.exitCode, error instanceof FosterError ? 1 : exitCode);
  }
}

/** Does the same with several containers at once, and prints the reference of each for which it succeeds. */
export async function forEachContainer(
  references: string[],
  act: (reference: string) => unknown,
): Promise<void> {
  await Promise.all(
    references.map((reference) =>
      orReport(async () => {
        await act(reference);
        printDone(`${reference}\n`);
      }),
    ),
  );
}
