import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { chooseIdMaps, defaultIdMaps } from '../../spec/choose-id-maps.js';
import { pipe, waitForChild } from '../../sys/libc.js';
import { startNodeProgram } from '../../worker/node-program.js';

/**
 * Runs a command as root of a user namespace with the caller's whole range of ids, as containers have it by default (of
 * root: with all ids), and of a mount namespace.
 * @returns its exit code
 * @throws FosterError where there are no user namespaces to be had
 */
export async function unshare(words: string[]): Promise<number> {
  // Root's containers have ids of his, so he sees them all as they are.
  const maps = process.getuid?.() === 0 ? chooseIdMaps('keep-id', 0, 0) : defaultIdMaps();
  const alive = pipe();
  let pid: number;
  try {
    pid = startNodeProgram({
      name: 'foster-unshare',
      argv: [join(__dirname, 'unshare-main.cjs'), maps.isSingle ? 'no groups' : 'groups', ...words],
      env: Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`),
      descriptors: (control) => [0, 1, 2, control, alive[1]],
      maps,
    });
  } catch (error) {
    closeSync(alive[0]);
    throw error;
  } finally {
    closeSync(alive[1]);
  }
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {});
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.kill(pid, signal));
  await closed(alive[0]);
  return waitForChild(pid).code;
}

/** Returns when the other end is closed: when the program is gone. */
function closed(fd: number): Promise<void> {
  return new Promise((done) => {
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.on('error', () => {});
    socket.on('close', () => done());
    socket.resume();
  });
}
