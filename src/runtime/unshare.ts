import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { CLONE_FLAGS, openProgram, startProcess } from '../sys/clone.js';
import { chooseIdMaps, writeIdMaps } from '../sys/id-maps.js';
import { pipe, waitForChild } from '../sys/libc.js';
import { cloneFailure } from '../sys/namespace-failure.js';

/**
 * Runs a command as root of a user namespace with the caller's whole range of ids, as containers have it by default, and
 * of a mount namespace.
 * @returns its exit code
 * @throws FosterError where there are no user namespaces to be had
 */
export async function unshare(words: string[]): Promise<number> {
  const maps = chooseIdMaps('default', process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  const control = pipe();
  const alive = pipe();
  const node = openProgram(process.execPath);
  let pid: number;
  try {
    const groups = maps.isSingle ? 'no groups' : 'groups';
    const child = startProcess(
      {
        file: node,
        argv: ['foster-unshare', join(__dirname, 'unshare-main.cjs'), groups, ...words],
        env: Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`),
        descriptors: [0, 1, 2, control[0], alive[1]],
        privileged: true,
      },
      CLONE_FLAGS.user | CLONE_FLAGS.mount,
    );
    pid = child.pid;
    closeSync(child.pidfd);
    try {
      writeIdMaps(pid, maps);
      writeSync(control[1], 'g');
    } catch (error) {
      process.kill(pid, 'SIGKILL');
      waitForChild(pid);
      throw error;
    }
  } catch (error) {
    closeSync(alive[0]);
    throw cloneFailure(error);
  } finally {
    for (const fd of [...control, alive[1], node]) closeSync(fd);
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
