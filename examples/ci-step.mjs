/**
 * A step of a continuous integration: copies a source tree into a container, runs a command there with its output as it
 * comes, takes the result out, and ends with the command's exit code.
 *
 *     node examples/ci-step.mjs SOURCE RESULT COMMAND...
 */
import { Foster, FosterError } from 'foster';

const [source, result, ...command] = process.argv.slice(2);
if (source === undefined || result === undefined || command.length === 0) {
  console.error('usage: ci-step.mjs SOURCE RESULT COMMAND...');
  process.exit(2);
}

const foster = new Foster();
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());
const { signal } = stop;

const step = await foster.create({ root: 'busybox', command: ['sleep', '3600'], workdir: '/' });
try {
  await foster.copyTo(step, source, '/work', { signal });
  await foster.start(step, { signal });
  const { exitCode } = await foster.exec(step, {
    command,
    workdir: '/work',
    env: { CI: 'true' },
    stdout: process.stdout,
    stderr: process.stderr,
    timeout: 30 * 60 * 1000,
    signal,
  });
  if (exitCode === 0) await foster.copyFrom(step, '/work/result', result, { signal });
  process.exitCode = exitCode;
} catch (error) {
  if (!(error instanceof FosterError)) throw error;
  console.error(`ci-step: ${error.sentence}`);
  process.exitCode = error.exitCode;
} finally {
  await foster.remove(step, { force: true });
}
