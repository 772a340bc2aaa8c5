import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { chooseIdMaps, defaultIdMaps } from '../spec/choose-id-maps.js';
import { pipe, waitForChild } from '../sys/libc.js';
import { surroundings } from '../sys/surroundings.js';
import { startNodeProgram } from '../worker/node-program.js';

/** A command that runs in a new user namespace. */
export interface UnsharedCommand {
  pid: number;
  /** Its exit code. */
  exitCode: Promise<number>;
}

/** Starts a command for `unshare` of system.ts. */
export function startUnshared(words: string[]): UnsharedCommand {
  // The containers of root use the host's ids, so root gets all of them unchanged.
  const maps = process.getuid?.() === 0 ? chooseIdMaps('keep-id', 0, 0) : defaultIdMaps();
  const alive = pipe();
  try {
    const pid = startNodeProgram({
      name: 'foster-unshare',
      argv: [join(__dirname, 'unshare-main.cjs'), maps.isSingle ? 'no groups' : 'groups', ...words],
      env: Object.entries(surroundings().env).map(([name, value]) => `${name}=${value ?? ''}`),
      descriptors: (control) => [0, 1, 2, control, alive[1]],
      maps,
    });
    return { pid, exitCode: closed(alive[0]).then(() => waitForChild(pid).code) };
  } catch (error) {
    closeSync(alive[0]);
    throw error;
  } finally {
    closeSync(alive[1]);
  }
}

/** Resolves when the other end is closed, which means that the program has ended. */
function closed(fd: number): Promise<void> {
  return new Promise((done) => {
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.on('error', () => {});
    socket.on('close', () => done());
    socket.resume();
  });
}
