import { closeSync, fchmodSync, fstatSync } from 'node:fs';
import { pipe } from '../sys/libc.js';

/** Ends of the pipes for stdin, stdout and stderr, in this order; undefined for /dev/null. */
export type Streams = (number | undefined)[];

/**
 * Pipes for a container's standard streams, which the monitor carries to and from the caller's. A program can do more with a
 * descriptor than read and write it, such as type on a terminal or change a file's mode.
 */
export function openStreams(wanted: {
  input: boolean;
  output: boolean;
  isLogged: boolean;
  /** Whether they are carried to streams of the calling program, instead of descriptors 0, 1 and 2. */
  isProgram: boolean;
}): {
  theirs: Streams;
  ours: Streams;
} {
  const isKept = (fd: number) => wanted.isProgram || (fd > 0 && wanted.isLogged) || !isNothing(fd);
  const [input, output, error] = [wanted.input, wanted.output, wanted.output].map((isWanted, fd) =>
    isWanted && isKept(fd) ? openPipe() : undefined,
  );
  return {
    theirs: [input?.[0], output?.[1], error?.[1]],
    ours: [input?.[1], output?.[0], error?.[0]],
  };
}

/** Whether it is /dev/null: such a stream need not be carried, unless it is logged. */
function isNothing(fd: number): boolean {
  const file = fstatSync(fd);
  return file.isCharacterDevice() && file.rdev === 0x103;
}

/**
 * A pipe that the process may reopen as /dev/stdout, whatever user it becomes. No other process can: the only path to it is
 * /proc/PID/fd of a process that has it.
 */
function openPipe(): [number, number] {
  const ends = pipe();
  fchmodSync(ends[0], 0o666);
  return ends;
}

export function closeAll(descriptors: readonly (number | undefined)[]): void {
  for (const fd of descriptors) if (fd !== undefined) closeSync(fd);
}
