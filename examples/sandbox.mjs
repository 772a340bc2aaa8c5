/**
 * Runs code that it was given, a shell script on standard input, without network, without a way to write anything but
 * 16 MiB of /tmp, and with limits of time, processes, memory and output. Prints what became of it as JSON.
 *
 *     echo 'echo hello' | node examples/sandbox.mjs
 */
import { text } from 'node:stream/consumers';
import { Foster } from 'foster';

const SECONDS = 2;

const foster = new Foster();

async function sandbox(code) {
  const { exitCode, stdout, timedOut, outputExceeded } = await foster.run({
    root: 'busybox',
    command: ['sh', '-s'],
    stdin: code,
    remove: true,
    readOnly: true,
    tmpfs: ['/tmp:size=16m'],
    user: 'nobody',
    capDrop: ['ALL'],
    ulimits: ['cpu=2', 'as=268435456', 'fsize=16777216'],
    timeout: SECONDS * 1000,
    maxOutput: 10_000,
  });
  if (timedOut) return { verdict: `it took more than ${SECONDS} seconds` };
  if (outputExceeded) return { verdict: 'it wrote too much' };
  return { verdict: exitCode === 0 ? 'fine' : `exit code ${exitCode}`, output: stdout };
}

console.log(JSON.stringify(await sandbox(await text(process.stdin))));
