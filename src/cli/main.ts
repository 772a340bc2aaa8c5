import { setSurroundings } from '../sys/surroundings.js';
import { takeWish } from './front.js';
import { waitForEnd } from './interrupt.js';
import { reportError } from './output.js';
import { CALLER } from './surroundings.js';

/**
 * The shell line of the command (scripts/build.mjs) renames NODE_EXTRA_CA_CERTS, because Node takes 30 ms to read certificates
 * at its start. This restores it before anything can see the environment, such as `-e NODE_EXTRA_CA_CERTS` or a child process.
 */
function restoreEnvironment(): void {
  const certificates = process.env.FOSTER_NODE_EXTRA_CA_CERTS;
  if (certificates === undefined) return;
  process.env.NODE_EXTRA_CA_CERTS = certificates;
  delete process.env.FOSTER_NODE_EXTRA_CA_CERTS;
}

async function main(): Promise<void> {
  restoreEnvironment();
  takeWish();
  setSurroundings(CALLER);
  const { runProgram } = await import('./program.js');
  const exitCode = await runProgram(process.argv.slice(2));
  await waitForEnd();
  process.exit(exitCode);
}

main().catch(async (error) => {
  await waitForEnd();
  process.exit(reportError(error));
});
