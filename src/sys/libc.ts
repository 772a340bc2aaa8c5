import { closeSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { call } from './ffi.js';

/** Typed system calls that Node's own modules do not offer. All throw SystemCallError. */

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
const SEAL_EVERYTHING = 0xf; // seal, shrink, grow, write: fcntl(2), "File Sealing"

/** memfd_create(2): a nameless file in memory that holds `content`, its offset at the start; sealed if so asked. */
export function memoryFile(name: string, content: Uint8Array, options: { sealed?: boolean } = {}): number {
  const fd = call(
    'int memfd_create(const char *name, unsigned int flags)',
    name,
    MFD_CLOEXEC | MFD_ALLOW_SEALING,
  );
  if (content.length > 0) {
    ftruncateSync(fd, content.length);
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at, content.length - at, at);
  }
  if (options.sealed) call('int fcntl(int fd, int command, long argument)', fd, F_ADD_SEALS, SEAL_EVERYTHING);
  return fd;
}

/** What has been written to a memory file so far. Closes it. */
export function takeMemoryFile(fd: number): string {
  const buffer = Buffer.alloc(4096);
  const size = readSync(fd, buffer, 0, buffer.length, 0);
  closeSync(fd);
  return buffer.toString('utf8', 0, size).trim();
}

/** socketpair(2) of datagrams in order (SOCK_SEQPACKET), both ends close-on-exec. */
export function socketPair(): [number, number] {
  const ends = Buffer.alloc(8);
  const AF_UNIX = 1;
  const SOCK_SEQPACKET = 5;
  const SOCK_CLOEXEC = 0o2000000;
  call(
    'int socketpair(int domain, int type, int protocol, void *ends)',
    AF_UNIX,
    SOCK_SEQPACKET | SOCK_CLOEXEC,
    0,
    ends,
  );
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

/** pipe2(2) with O_CLOEXEC: [read end, write end]. */
export function pipe(): [number, number] {
  const ends = Buffer.alloc(8);
  call('int pipe2(void *ends, int flags)', ends, 0o2000000);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

/** flock(2), exclusive. False when somebody else holds the lock and `wait` is false. */
export function lockFile(fd: number, options: { wait: boolean }): boolean {
  const LOCK_EX = 2;
  const LOCK_NB = 4;
  try {
    call('int flock(int fd, int operation)', fd, LOCK_EX | (options.wait ? 0 : LOCK_NB));
    return true;
  } catch (error) {
    if (options.wait) throw error;
    return false;
  }
}

/** How a child ended: `code` as a shell would say it (128 + signal for a death by signal). */
export interface ExitStatus {
  code: number;
  signal: number;
}

/** waitpid(2): blocks until the child has ended. */
export function waitForChild(pid: number): ExitStatus {
  const status = Buffer.alloc(4);
  call('int waitpid(int pid, void *status, int options)', pid, status, 0);
  const value = status.readInt32LE(0);
  const signal = value & 0x7f;
  return { code: signal === 0 ? (value >> 8) & 0xff : 128 + signal, signal };
}

/** chroot(2) of this process, all threads included, followed by a chdir to the new root. */
export function changeRoot(path: string): void {
  call('int chdir(const char *path)', path);
  call('int chroot(const char *path)', '.');
}

/** openat2(2)'s RESOLVE_IN_ROOT: opens a path below `directory` as if that were `/`; no symlink leads out of it. */
export function openInRoot(directory: number, path: string, flags: number): number {
  const how = Buffer.alloc(24);
  const RESOLVE_IN_ROOT = 0x10n;
  const RESOLVE_NO_MAGICLINKS = 0x02n;
  how.writeBigUInt64LE(BigInt(flags | 0o2000000), 0);
  how.writeBigUInt64LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16);
  const OPENAT2 = 437; // the same on every architecture
  return call(
    'long syscall(long number, int directory, const char *path, void *how, size_t size)',
    OPENAT2,
    directory,
    path,
    how,
    how.length,
  );
}
