import { closeSync, openSync, writeSync } from 'node:fs';
import { CLONE_FLAGS, startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { cloneFailure } from '../init/namespace-failure.js';
import { writeIdMaps } from '../launch/id-maps.js';
import type { IdMaps } from '../spec/id-maps.js';
import { pipe, waitForChild } from '../sys/libc.js';
import { openProgram } from '../sys/programs.js';
import { wire } from '../sys/wire-constants.js';

/** One of foster's programs in TypeScript, which Node runs in other namespaces. */
export interface NodeProgram {
  /** Its name in a list of processes. */
  name: string;
  /** The bundle, and its arguments. */
  argv: string[];
  env?: string[];
  /**
   * Returns its descriptors, given the one that delivers a byte when its ids are mapped, and one of /dev/null.
   * undefined leaves a number closed.
   */
  descriptors: (control: number, nothing: number) => (number | undefined)[];
  /** Id maps of its user namespace; undefined if it stays in the current one. */
  maps: IdMaps | undefined;
  /**
   * pidfd of a process whose user namespace it enters instead; it stays in the current mount namespace then, and has at
   * most seven descriptors.
   */
  enters?: number | undefined;
  /** The signal that it gets when this process dies. */
  parentDeathSignal?: number;
}

/**
 * Starts Node in a new mount namespace and, with `maps`, in a new user namespace. JavaScript cannot run in a forked
 * child, so the process is created inside the namespaces.
 * @returns its pid; the caller must wait for it
 * @throws FosterError if no user namespace can be created; nothing runs then
 */
export function startNodeProgram(program: NodeProgram): number {
  const { name, argv, env = [], descriptors, maps, enters, parentDeathSignal } = program;
  const control = pipe();
  const node = openProgram(process.execPath);
  const nothing = openSync('/dev/null', 'r+');
  try {
    const its = descriptors(control[0], nothing);
    const { pid, pidfd } =
      enters === undefined
        ? startProcess(
            {
              file: node,
              argv: [name, ...argv],
              env,
              descriptors: its,
              privileged: maps !== undefined,
              ...(parentDeathSignal !== undefined && { parentDeathSignal }),
            },
            CLONE_FLAGS.mount | (maps === undefined ? 0 : CLONE_FLAGS.user),
          )
        : startProcess(
            {
              file: initProgram(),
              argv: ['foster-init', 'enter', 'u', name, ...argv],
              env: [],
              descriptors: [...Array.from({ length: wire.FD_ENTERED }, (_, fd) => its[fd]), enters, node],
            },
            0,
          );
    closeSync(pidfd);
    try {
      if (maps !== undefined && enters === undefined) writeIdMaps(pid, maps);
      writeSync(control[1], 'g');
    } catch (error) {
      process.kill(pid, 'SIGKILL');
      waitForChild(pid);
      throw error;
    }
    return pid;
  } catch (error) {
    throw cloneFailure(error);
  } finally {
    for (const fd of [...control, node, nothing]) closeSync(fd);
  }
}
