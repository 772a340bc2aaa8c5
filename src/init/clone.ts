import { closeSync } from 'node:fs';
import { errnoName, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { addressOf, call, callRaw, functionPointer, SystemCallError } from '../sys/ffi.js';
import { waitForChild } from '../sys/libc.js';
import { wire } from '../sys/wire-constants.js';

/** Flags of clone(2) for the namespaces of foster's helper processes. Those of containers are in plan/namespaces.ts. */
export const CLONE_FLAGS = { mount: 0x00020000, user: 0x10000000 } as const;

const CLONE_VM = 0x100;
const CLONE_PIDFD = 0x1000;
const CLONE_VFORK = 0x4000;
const SIGCHLD = 17;

/** A program to execute in a new process, or in place of this one. */
export interface Program {
  /** Descriptor of the executable file. */
  file: number;
  argv: string[];
  env: string[];
  /** descriptors[i] becomes the program's descriptor i; if it is undefined, i is closed. All others are closed too. */
  descriptors: (number | undefined)[];
  /** Keep the capabilities of the new user namespace across execve(2). */
  privileged?: boolean;
  /** Signal that the program gets when we die; 0 for none. */
  parentDeathSignal?: number;
}

/** Path of a native file (foster-init, foster-entry.so), which is in a folder per architecture beside the bundle. */
export function nativeFile(name: string): string {
  return `${__dirname}/${process.arch}/${name}`;
}

/**
 * Starts `program` in new namespaces. Blocks (about a millisecond) until the child has executed it.
 * @throws SystemCallError if clone(2) failed; FosterError if the child could not execute the program
 */
export function startProcess(program: Program, namespaceFlags: number): { pid: number; pidfd: number } {
  const entry = encodeProgram(program);
  const stack = Buffer.alloc(64 * 1024);
  const top = (addressOf(stack) + BigInt(stack.length)) & ~15n;
  const pidfd = Buffer.alloc(4);
  const flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | namespaceFlags;
  const child = functionPointer(nativeFile('foster-entry.so'), 'foster_child');
  // Node's signal handlers must not run in the child, which shares our memory.
  const previous = Buffer.alloc(128);
  setSignalMask(Buffer.alloc(128, 0xff), previous);
  try {
    const prototype = 'int clone(void *function, uintptr_t stack, int flags, void *argument, void *pidfd)';
    const pid = call(prototype, child, top, flags, entry, pidfd);
    const error = entry.readInt32LE(wire.PROGRAM_OFFSETS.error);
    if (error === 0) return { pid, pidfd: pidfd.readInt32LE(0) };
    closeSync(pidfd.readInt32LE(0));
    waitForChild(pid);
    throw programFailure(program, error);
  } finally {
    setSignalMask(previous, null);
    stack.fill(0, 0, 1); // a use after the call keeps the stack from being collected during it
  }
}

/**
 * Replaces this process with `program`, execve(2), which keeps our PID and parent. All signals are blocked in it, and those
 * that were held back are pending. Returns only by throwing.
 */
export function becomeProgram(program: Program): never {
  globalThis.fosterKeepCode?.(); // bootstrap.ts usually does this at the exit of Node, which does not happen here
  const entry = encodeProgram(program);
  const error = callRaw(nativeFile('foster-entry.so'), 'int foster_become(void *program)', entry);
  throw new SystemCallError('execveat()', -error);
}

/** Holds signals back from now on, until `becomeProgram` passes them to the program. */
export function holdSignals(): void {
  callRaw(nativeFile('foster-entry.so'), 'void foster_hold_signals()');
}

/** The lowest of SIGHUP, SIGINT, SIGQUIT and SIGTERM that is held back; undefined if none is. */
export function heldEndSignal(): number | undefined {
  const held = BigInt(callRaw(nativeFile('foster-entry.so'), 'uint64_t foster_held_signals()'));
  return [1, 2, 3, 15].find((signal) => (held >> BigInt(signal - 1)) & 1n);
}

function setSignalMask(mask: Buffer, previous: Buffer | null): void {
  const SIG_SETMASK = 2;
  call('int pthread_sigmask(int how, const void *set, void *previous)', SIG_SETMASK, mask, previous);
}

function programFailure({ argv, descriptors }: Program, error: number): FosterError {
  const isTooMany = ['E2BIG', 'EMFILE', 'EINVAL'].includes(errnoName(error));
  return new FosterError(
    `cannot start ${argv[0]} with ${descriptors.length} descriptors: ${errnoWords(error)}`,
    isTooMany ? { advice: 'at most 1024 can be passed on, and at most what "ulimit -n" allows' } : {},
  );
}

/** struct program of wire.h, with everything that it points to, in one buffer. */
function encodeProgram(program: Program): Buffer {
  const strings = [...program.argv, ...program.env, ''].map((text) => Buffer.from(`${text}\0`));
  const pointers = (program.argv.length + program.env.length + 2) * 8;
  const descriptors = program.descriptors.length * 4;
  const size =
    wire.PROGRAM_SIZE + pointers + descriptors + strings.reduce((sum, text) => sum + text.length, 0);
  const buffer = Buffer.alloc(size);
  const base = addressOf(buffer);
  const view = new DataView(buffer.buffer, buffer.byteOffset, size);
  const pointer = (at: number, target: number) => view.setBigUint64(at, base + BigInt(target), true);

  const argvAt = wire.PROGRAM_SIZE;
  const envpAt = argvAt + (program.argv.length + 1) * 8;
  const descriptorsAt = wire.PROGRAM_SIZE + pointers;
  const at = wire.PROGRAM_OFFSETS;
  pointer(at.path, size - 1); // the empty text is the last
  pointer(at.argv, argvAt);
  pointer(at.envp, envpAt);
  pointer(at.descriptors, descriptorsAt);
  buffer.writeInt32LE(program.file, at.file);
  buffer.writeInt32LE(program.descriptors.length, at.descriptor_count);
  buffer.writeInt32LE(program.privileged ? 1 : 0, at.is_privileged);
  buffer.writeInt32LE(program.parentDeathSignal ?? 0, at.parent_death_signal);
  for (const [index, fd] of program.descriptors.entries())
    buffer.writeInt32LE(fd ?? -1, descriptorsAt + index * 4);

  let end = descriptorsAt + descriptors;
  for (const [index, text] of strings.entries()) {
    text.copy(buffer, end);
    const slot =
      index < program.argv.length ? argvAt + index * 8 : envpAt + (index - program.argv.length) * 8;
    if (index < strings.length - 1) pointer(slot, end);
    end += text.length;
  }
  return buffer;
}
