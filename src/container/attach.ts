import { closeSync, openSync, writeSync } from 'node:fs';
import { becomeProgram } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { ATTACH_ALL, ATTACH_OWNER, ATTACH_WINDOW } from '../init/wire.js';
import type { Attached } from '../spec/request.js';
import { errnoNumber, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { call, errnoOfAny } from '../sys/ffi.js';
import { connectUnix } from '../sys/libc.js';
import { containerFolder } from '../sys/paths.js';
import type { ContainerRecord } from './record.js';

export interface AttachOptions {
  /** Whether our standard input goes to the container. */
  interactive: boolean;
  /** Whether the signals that we receive go to the container; otherwise they end us. */
  passSignals: boolean;
  /** The bytes that detach, if the container has a terminal. */
  detachKeys: Buffer;
  /** Which of its output streams we pass on; both by default. */
  attached?: Pick<Attached, 'stdout' | 'stderr'>;
  /** Whether we have started it in the foreground: then it ends when we are killed, and stops when we are stopped. */
  isOwner?: boolean;
}

/** How to connect to a monitor. */
export interface ConnectOptions {
  /** The container waits until we read its output. Otherwise the monitor disconnects us if we read nothing for a second. */
  wantsAll: boolean;
  /** In addition, the container ends with us, unless we detach. */
  isOwner?: boolean;
  /** Its terminal gets the size of ours before its program starts. */
  hasTerminal?: boolean;
}

/** A connection to the monitor of a container. @throws FosterError */
export function connectMonitor(id: string, options: ConnectOptions): number {
  let folder: number;
  try {
    folder = openSync(containerFolder(id), 'r');
  } catch (error) {
    throw new FosterError('cannot attach: the container does not run', {
      kind: 'conflict',
      cause: error,
      exitCode: 1,
    });
  }
  try {
    // through the open folder, because a socket's address has at most 108 bytes
    const client = connectUnix(`/proc/self/fd/${folder}/attach`);
    if (options.isOwner) writeSync(client, ATTACH_OWNER);
    else if (options.wantsAll) writeSync(client, ATTACH_ALL);
    if (options.isOwner || options.hasTerminal) sendWindowSize(client);
    return client;
  } catch (error) {
    throw cannotAttach(error);
  } finally {
    closeSync(folder);
  }
}

/** Sends the size of the terminal that is our standard input, if it is one. */
export function sendWindowSize(client: number): void {
  const TIOCGWINSZ = 0x5413;
  const window = Buffer.alloc(8);
  try {
    call('int ioctl(int fd, unsigned long request, void *argument)', 0, TIOCGWINSZ, window);
  } catch {
    return; // not a terminal
  }
  writeSync(client, Buffer.concat([ATTACH_WINDOW, window.subarray(0, 4)]));
}

function cannotAttach(error: unknown): FosterError {
  const code = errnoOfAny(error);
  const isWithout = code === 'ENOENT';
  const why = code === undefined ? String(error) : errnoWords(errnoNumber(code));
  return new FosterError(
    `cannot attach to the container: ${isWithout ? 'its monitor has no socket in its folder' : why}`,
    {
      advice: isWithout
        ? 'it has one only where the file system of the data folder can hold sockets'
        : "'foster ps -a' shows whether it runs, 'foster logs' what it has written",
      cause: error,
      exitCode: 1,
    },
  );
}

/**
 * Replaces this process with foster-init, which stays attached until the container ends, and then exits with its exit
 * code, or until the detach keys are typed. Returns only by throwing.
 */
export function attachTo(record: ContainerRecord, client: number, options: AttachOptions): never {
  const flags = [
    record.spec.process.terminal ? 't' : '',
    options.interactive && record.interactive ? 'i' : '',
    options.passSignals ? 's' : '',
    options.isOwner ? 'o' : '',
  ];
  const { stdout = true, stderr = true } = options.attached ?? {};
  const nothing = stdout && stderr ? 0 : openSync('/dev/null', 'r+');
  becomeClient(flags.join(''), options.detachKeys, [0, stdout ? 1 : nothing, stderr ? 2 : nothing, client]);
}

/** Replaces this process by a client of a monitor: see src/init/client.c. Returns only by throwing. */
export function becomeClient(flags: string, detachKeys: Buffer, descriptors: number[]): never {
  const argv = ['foster-init', 'attach', flags, detachKeys.toString('latin1')];
  becomeProgram({ file: initProgram(), argv, env: [], descriptors });
}
