import { closeSync, openSync, writeSync } from 'node:fs';
import { CLONE_FLAGS, startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { cloneFailure } from '../init/namespace-failure.js';
import { writeIdMaps } from '../launch/id-maps.js';
import type { IdMaps } from '../spec/id-maps.js';
import { pipe, waitForChild } from '../sys/libc.js';
import { openProgram } from '../sys/programs.js';
import { FD_ENTERED } from '../sys/wire-constants.js';

/** A program of foster's own in TypeScript, to be run by a Node in other namespaces. */
export interface NodeProgram {
  /** What it is called in a list of processes. */
  name: string;
  /** The bundle, and its arguments. */
  argv: string[];
  env?: string[];
  /**
   * What become its descriptors, given the one on which it gets a byte as soon as its ids are mapped, and one of
   * /dev/null. undefined leaves a number closed.
   */
  descriptors: (control: number, nothing: number) => (number | undefined)[];
  /** Of its user namespace; undefined where it stays in ours. */
  maps: IdMaps | undefined;
  /** pidfd of a process whose user namespace it enters instead; then it is in our mount namespace, and has seven descriptors at most. */
  enters?: number | undefined;
  /** Signal that it gets when we die. */
  parentDeathSignal?: number;
}

/**
 * Starts a Node in a mount namespace and, with `maps`, in a user namespace of its own. JavaScript cannot run in a forked
 * child, but a new process may begin where it wants to.
 * @returns its pid; to be waited for
 * @throws FosterError where there are no user namespaces to be had; nothing runs then
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
              argv: ['foster-init', 'enter', name, ...argv],
              env: [],
              descriptors: [...Array.from({ length: FD_ENTERED }, (_, fd) => its[fd]), enters, node],
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
