import { closeSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { CLONE_FLAGS, openProgram, startProcess } from '../init/clone.js';
import { writeIdMaps } from '../init/id-maps.js';
import { initProgram } from '../init/init-program.js';
import { cloneFailure } from '../init/namespace-failure.js';
import type { IdMaps } from '../spec/id-maps.js';
import { type ExitStatus, memoryFile, pipe, waitForChild } from '../sys/libc.js';

/** FD_ENTERED of src/init/init.h. */
const ENTERED = 7;
const SIGKILL = 9;

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
              descriptors: [...Array.from({ length: ENTERED }, (_, fd) => its[fd]), enters, node],
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

/** What a program that reports at its end is started with: startReporter. */
export interface ReporterOptions extends Pick<NodeProgram, 'name' | 'argv' | 'maps' | 'enters'> {
  /** What become its standard input and output; /dev/null where there is none. */
  input?: number | undefined;
  output?: number | undefined;
  /** Its descriptors after those. */
  files?: (number | undefined)[];
}

/** A program that reports at its end, at work. All of it is to be cleared away by who has started it. */
export interface Reporter {
  /** To be waited for, when the report has come. */
  pid: number;
  /** Descriptor from which the report comes: `readReport`. */
  report: number;
  /** Descriptor of what it writes to stderr: `takeMemoryFile`. */
  errors: number;
}

/**
 * Starts a program that does one thing and says in the end what became of it. Its descriptors are: 0, 1 and 2 as ever,
 * 3 on which it gets a byte as soon as its ids are mapped, 4 for its report, then `files`. It dies with us.
 * @throws FosterError where there are no user namespaces to be had; nothing is left then
 */
export function startReporter({ input, output, files = [], ...program }: ReporterOptions): Reporter {
  const report = pipe();
  const errors = memoryFile(`${program.name}-errors`, new Uint8Array());
  try {
    const pid = startNodeProgram({
      ...program,
      descriptors: (control, nothing) => [
        input ?? nothing,
        output ?? nothing,
        errors,
        control,
        report[1],
        ...files,
      ],
      parentDeathSignal: SIGKILL,
    });
    return { pid, report: report[0], errors };
  } catch (error) {
    closeSync(report[0]);
    closeSync(errors);
    throw error;
  } finally {
    closeSync(report[1]);
  }
}

/** All that comes until the other end closes, at the latest when the program has ended. */
export function readReport(fd: number): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      text += piece;
    });
    socket.on('error', () => {});
    socket.on('close', () => done(text));
  });
}

/** The rest of a sentence about a program that has ended without a report. `said`: what it wrote to stderr. */
export function howItEnded({ signal, code }: ExitStatus, said: string): string {
  const how = signal === 0 ? `ended with exit code ${code}` : `was killed by signal ${signal}`;
  const line = said.split('\n').find((each) => /error/i.test(each));
  return `${how}${line === undefined ? '' : ` (${line.trim()})`}`;
}
