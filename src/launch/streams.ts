import { closeSync, fchmodSync, fstatSync } from 'node:fs';
import { pipe } from '../sys/libc.js';

/** Ends of the pipes for stdin, stdout and stderr, in this order; undefined where it is /dev/null. */
export type Streams = (number | undefined)[];

/**
 * Pipes for a container's standard streams, which the monitor carries to and from the caller's own: what a program has
 * as a descriptor it can do more with than to read and write it, such as to type on a terminal, or to change a file's mode.
 */
export function openStreams(wanted: {
  input: boolean;
  output: boolean;
  isLogged: boolean;
  /** They are carried to streams of a program, and not to descriptors 0, 1 and 2. */
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

/** What goes to /dev/null, and to no log, need not be carried there. */
function isNothing(fd: number): boolean {
  const file = fstatSync(fd);
  return file.isCharacterDevice() && file.rdev === 0x103;
}

/**
 * One that the process may open once more as /dev/stdout, whatever user it becomes. Nobody else can: there is no way to
 * it but /proc/PID/fd of one who has it.
 */
function openPipe(): [number, number] {
  const ends = pipe();
  fchmodSync(ends[0], 0o666);
  return ends;
}

export function closeAll(descriptors: readonly (number | undefined)[]): void {
  for (const fd of descriptors) if (fd !== undefined) closeSync(fd);
}
