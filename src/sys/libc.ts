import { closeSync, ftruncateSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { errnoName, errnoNumber, errnoWords } from './errno.js';
import { FosterError } from './errors.js';
import { call, callInThread, callRaw, errnoOfAny, lastErrno, SystemCallError } from './ffi.js';

/** Typed system calls that Node's own modules do not offer. All throw SystemCallError. */

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_NOEXEC_SEAL = 8;
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
const F_SEAL_SHRINK_GROW = 0x6;
const SEAL_EVERYTHING = 0xf; // seal, shrink, grow, write: fcntl(2), "File Sealing"

/**
 * memfd_create(2): an anonymous file in memory with this content, its offset at the start. `sealed` makes it, or its
 * size, immutable. Without `executable` it cannot be executed (Linux 6.3).
 */
export function memoryFile(
  name: string,
  content: Uint8Array,
  options: { sealed?: boolean | 'size'; executable?: boolean } = {},
): number {
  const fd = createMemoryFile(name, options.executable ? MFD_EXEC : MFD_NOEXEC_SEAL);
  if (content.length > 0) {
    ftruncateSync(fd, content.length);
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at, content.length - at, at);
  }
  const seals = options.sealed === 'size' ? F_SEAL_SHRINK_GROW : SEAL_EVERYTHING;
  if (options.sealed) call('int fcntl(int fd, int command, long argument)', fd, F_ADD_SEALS, seals);
  return fd;
}

function createMemoryFile(name: string, kind: number): number {
  const prototype = 'int memfd_create(const char *name, unsigned int flags)';
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  try {
    return call(prototype, name, flags | kind);
  } catch (error) {
    const isUnknown = error instanceof SystemCallError && errnoName(error.errno) === 'EINVAL';
    if (!isUnknown) throw error;
    return call(prototype, name, flags);
  }
}

/** Reads what has been written to a memory file, and closes it. */
export function readMemoryFile(fd: number): string {
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

/** struct flock of fcntl(2): a lock on the whole file. */
function lockOfWholeFile(isShared = false): Buffer {
  const F_RDLCK = 0;
  const F_WRLCK = 1;
  const lock = Buffer.alloc(32);
  lock.writeInt16LE(isShared ? F_RDLCK : F_WRLCK, 0);
  return lock;
}

const FCNTL = 'int fcntl(int fd, int command, void *lock)';

/**
 * Takes an exclusive lock that belongs to the open file, fcntl(2) F_OFD_SETLK: a process that inherits the descriptor
 * holds it too, and the kernel releases it with the last of them. `fd` must be open for writing. `shared`: other
 * processes may hold a shared lock at the same time; `fd` must be open for reading. Returns false if another process
 * holds the lock and `wait` is false.
 */
export function lockFile(fd: number, options: { wait: boolean; shared?: boolean }): boolean {
  const F_OFD_SETLK = 37;
  const F_OFD_SETLKW = 38;
  try {
    call(FCNTL, fd, options.wait ? F_OFD_SETLKW : F_OFD_SETLK, lockOfWholeFile(options.shared));
    return true;
  } catch (error) {
    const EAGAIN = 11;
    const EACCES = 13;
    if (!options.wait && error instanceof SystemCallError && [EAGAIN, EACCES].includes(error.errno))
      return false;
    throw cannotLock(fd, error);
  }
}

function cannotLock(fd: number, error: unknown): unknown {
  const code = errnoOfAny(error);
  if (code === undefined) return error;
  return new FosterError(
    `cannot lock ${readlinkSync(`/proc/self/fd/${fd}`)}: ${errnoWords(errnoNumber(code))}`,
    {
      advice: 'set XDG_DATA_HOME to a folder on a file system that supports locks, such as a local disk',
      cause: error,
    },
  );
}

/** Whether a process holds the lock of `lockFile`; does not take it: fcntl(2) F_OFD_GETLK. */
export function isFileLocked(fd: number): boolean {
  const F_OFD_GETLK = 36;
  const F_UNLCK = 2;
  const lock = lockOfWholeFile();
  call(FCNTL, fd, F_OFD_GETLK, lock);
  return lock.readInt16LE(0) !== F_UNLCK;
}

/** How a child ended: `code` is what a shell reports (128 + signal after a signal). */
export interface ExitStatus {
  code: number;
  signal: number;
}

/** waitpid(2): blocks until the child has ended. */
export function waitForChild(pid: number): ExitStatus {
  const status = Buffer.alloc(4);
  call('int waitpid(int pid, void *status, int options)', pid, status, 0);
  return exitStatus(status);
}

/** waitpid(2) with WNOHANG: how a child has ended; undefined while it has not. */
export function endOfChild(pid: number): ExitStatus | undefined {
  const WNOHANG = 1;
  const status = Buffer.alloc(4);
  const ended = call('int waitpid(int pid, void *status, int options)', pid, status, WNOHANG);
  return ended === 0 ? undefined : exitStatus(status);
}

function exitStatus(status: Buffer): ExitStatus {
  const value = status.readInt32LE(0);
  const signal = value & 0x7f;
  return { code: signal === 0 ? (value >> 8) & 0xff : 128 + signal, signal };
}

/** waitpid(2) with WNOHANG: whether the child has ended, or is not a child of this process. */
export function reapChild(pid: number): boolean {
  const WNOHANG = 1;
  try {
    return call('int waitpid(int pid, void *status, int options)', pid, null, WNOHANG) !== 0;
  } catch (error) {
    if (error instanceof SystemCallError && errnoName(error.errno) === 'ECHILD') return true;
    throw error;
  }
}

const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
const RESOLVE_IN_ROOT = 0x10;

/** openat2(2)'s RESOLVE_IN_ROOT: opens a path below `directory` as if that were `/`; no symlink leads out of it. */
export function openInRoot(directory: number, path: string, flags: number): number {
  return openat2(directory, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/**
 * Opens a path below `directory` that contains no symbolic link, not even as its last component: a process that changes
 * the tree meanwhile can make it fail, but not lead elsewhere. A Buffer is a path of bytes.
 */
export function openBeneath(directory: number, path: string | Buffer, flags: number): number {
  return openat2(directory, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/** As `openInRoot`; undefined where it fails, for whatever reason. An exception takes longer than the system call. */
export function findInRoot(directory: number, path: string, flags: number): number | undefined {
  const fd = tryOpenat2(directory, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  return fd < 0 ? undefined : fd;
}

function openat2(directory: number, path: string | Buffer, flags: number, resolve: number): number {
  const fd = tryOpenat2(directory, path, flags, resolve);
  if (fd < 0) throw new SystemCallError('openat2()', -fd);
  return fd;
}

/** Returns the descriptor, or the negative errno. */
function tryOpenat2(directory: number, path: string | Buffer, flags: number, resolve: number): number {
  const how = Buffer.alloc(24);
  how.writeUInt32LE(flags | 0o2000000, 0); // each is 64 bits wide
  how.writeUInt32LE(resolve, 16);
  const OPENAT2 = 437; // the same on every architecture
  const prototype = 'long syscall(long number, int directory, const void *path, void *how, size_t size)';
  const name = zeroTerminated(path);
  const MOST_TRIES = 10_000;
  for (let tries = 1; ; tries++) {
    const fd = callRaw('', prototype, OPENAT2, directory, name, how, how.length);
    if (fd >= 0) return fd;
    const errno = lastErrno();
    // A rename or mount anywhere on the machine during the lookup of `..`: openat2(2), "EAGAIN".
    if (errnoName(errno) !== 'EAGAIN' || tries === MOST_TRIES) return -errno;
  }
}

/** pidfd_open(2): a descriptor for the process, close-on-exec. */
export function openPidfd(pid: number): number {
  const PIDFD_OPEN = 434; // the same on every architecture
  return call('long syscall(long number, int pid, unsigned int flags)', PIDFD_OPEN, pid, 0);
}

/** pidfd_send_signal(2), with a value as in sigqueue(3). Returns false if the process has ended. */
export function signalPidfd(pidfd: number, signal: number, value?: number): boolean {
  const PIDFD_SEND_SIGNAL = 424;
  const prototype = 'long syscall(long number, int pidfd, int signal, void *info, unsigned int flags)';
  try {
    call(prototype, PIDFD_SEND_SIGNAL, pidfd, signal, value === undefined ? null : siginfo(signal, value), 0);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && errnoName(error.errno) === 'ESRCH') return false;
    throw error;
  }
}

/** A siginfo_t as in sigqueue(3): SI_QUEUE, and a number for the receiver. */
function siginfo(signal: number, value: number): Buffer {
  const SI_QUEUE = -1;
  const info = Buffer.alloc(128);
  info.writeInt32LE(signal, 0);
  info.writeInt32LE(SI_QUEUE, 8);
  info.writeInt32LE(process.pid, 16);
  info.writeInt32LE(process.getuid?.() ?? 0, 20);
  info.writeInt32LE(value, 24);
  return info;
}

/**
 * poll(2) for input on one descriptor. `ready`: there is input, or the other end was closed; `interrupted`: a signal
 * arrived.
 * @param timeout in milliseconds, -1 for none
 */
export function waitReadable(fd: number, timeout: number): 'ready' | 'timeout' | 'interrupted' {
  const POLLIN = 1;
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(fd, 0);
  entry.writeInt16LE(POLLIN, 4);
  try {
    return call('int poll(void *fds, unsigned long count, int timeout)', entry, 1, timeout) === 0
      ? 'timeout'
      : 'ready';
  } catch (error) {
    if (error instanceof SystemCallError && errnoName(error.errno) === 'EINTR') return 'interrupted';
    throw error;
  }
}

/**
 * mknod(2) of the character device 0/0, which hides a name in the layers below: kernel documentation, overlayfs. Since
 * Linux 5.8 it needs no privileges.
 */
export function makeWhiteout(path: string | Buffer): void {
  const S_IFCHR = 0o020000;
  call(
    'int mknod(const void *path, unsigned int mode, unsigned long device)',
    zeroTerminated(path),
    S_IFCHR,
    0,
  );
}

/** mkfifo(3). A string is encoded as UTF-8. */
export function makeFifo(path: string | Buffer, mode: number): void {
  call('int mkfifo(const void *path, unsigned int mode)', zeroTerminated(path), mode);
}

/** A file by its descriptor or path; symbolic links are not followed. */
type FileWithAttributes = string | Buffer | number;

/** lsetxattr(2), fsetxattr(2): sets an extended attribute. */
export function setExtendedAttribute(file: FileWithAttributes, name: string, value: Buffer): void {
  const rest = 'const char *name, const void *value, size_t size, int flags';
  if (typeof file === 'number') call(`int fsetxattr(int fd, ${rest})`, file, name, value, value.length, 0);
  else call(`int lsetxattr(const void *path, ${rest})`, zeroTerminated(file), name, value, value.length, 0);
}

const EIO = 5;
const ENODATA = 61;
const ENOTSUP = 95;
/** XATTR_SIZE_MAX and XATTR_LIST_MAX of the kernel. */
const MAX_ATTRIBUTES = 64 * 1024;
let attributeBuffer: Buffer | undefined;

/**
 * llistxattr(2), flistxattr(2): the names of a file's extended attributes; none if its file system does not support
 * them.
 */
export function listExtendedAttributes(file: FileWithAttributes): string[] {
  attributeBuffer ??= Buffer.alloc(MAX_ATTRIBUTES);
  const buffer = attributeBuffer;
  const rest = 'void *list, size_t size';
  try {
    const size =
      typeof file === 'number'
        ? call(`long flistxattr(int fd, ${rest})`, file, buffer, buffer.length)
        : call(`long llistxattr(const void *path, ${rest})`, zeroTerminated(file), buffer, buffer.length);
    return buffer.toString('latin1', 0, size).split('\0').slice(0, -1);
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === ENOTSUP) return [];
    throw error;
  }
}

/** lgetxattr(2), fgetxattr(2); undefined if the file does not have the attribute. */
export function getExtendedAttribute(file: FileWithAttributes, name: string): Buffer | undefined {
  attributeBuffer ??= Buffer.alloc(MAX_ATTRIBUTES);
  const buffer = attributeBuffer;
  const rest = 'const char *name, void *value, size_t size';
  try {
    const size =
      typeof file === 'number'
        ? call(`long fgetxattr(int fd, ${rest})`, file, name, buffer, buffer.length)
        : call(
            `long lgetxattr(const void *path, ${rest})`,
            zeroTerminated(file),
            name,
            buffer,
            buffer.length,
          );
    return Buffer.from(buffer.subarray(0, size));
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === ENODATA) return undefined;
    throw error;
  }
}

function zeroTerminated(path: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(path as string), Buffer.alloc(1)]);
}

/**
 * Copies `size` bytes, or less if the file has become shorter, to an empty file with copy_file_range(2), which shares
 * blocks if the file system supports that. Returns false if the kernel cannot do it for these files; the content of
 * `to` is undefined then.
 */
export function copyBlocks(from: number, to: number, size: number): boolean {
  const prototype =
    'long copy_file_range(int from, void *from_offset, int to, void *to_offset, size_t size, unsigned int flags)';
  try {
    let left = size;
    for (let copied = -1; left > 0 && copied !== 0; left -= copied)
      copied = call(prototype, from, null, to, null, Math.min(left, 0x40000000), 0);
    return left < size; // some file systems return 0 for "not supported"
  } catch (error) {
    const code = error instanceof SystemCallError ? errnoName(error.errno) : '';
    if (['EXDEV', 'ENOSYS', 'EINVAL', 'EOPNOTSUPP', 'ENOTSUP', 'EPERM'].includes(code)) return false;
    throw error;
  }
}

/** syncfs(2), in another thread: waits until everything written to the file system of `fd` is on the disk. */
export async function syncFilesystem(fd: number): Promise<void> {
  const prototype = 'int syncfs(int fd)';
  if ((await callInThread('', prototype, fd)) === -1) throw new SystemCallError(prototype, EIO);
}

/** PR_SET_PDEATHSIG of prctl(2), for this thread: the signal that it gets when its parent dies. */
export function setParentDeathSignal(signal: number): void {
  call('int prctl(int option, unsigned long signal)', 1, signal);
}

/** _exit(2): does not wait for other threads, one of which may be reading from a pipe to which nobody writes. */
export function exitAtOnce(): never {
  callRaw('', 'void _exit(int status)', 0);
  throw new Error('a process has survived its end');
}

/**
 * F_SETPIPE_SZ of fcntl(2): sets the capacity of a pipe in bytes. If that exceeds the user's limit, nothing changes;
 * the pipe is only slower.
 */
export function setPipeSize(fd: number, size: number): void {
  callRaw('', 'int fcntl(int fd, int command, int argument)', fd, 1031, size);
}

/** Connects to the SOCK_SEQPACKET socket at `path`, which may have 107 bytes at most: unix(7). */
export function connectUnix(path: string): number {
  const AF_UNIX = 1;
  const SOCK_SEQPACKET = 5;
  const SOCK_CLOEXEC = 0o2000000;
  const fd = call(
    'int socket(int domain, int type, int protocol)',
    AF_UNIX,
    SOCK_SEQPACKET | SOCK_CLOEXEC,
    0,
  );
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2, 107);
  try {
    call('int connect(int fd, const void *address, unsigned int size)', fd, address, address.length);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** F_DUPFD_CLOEXEC of fcntl(2): a second descriptor of the same open file. */
export function duplicate(fd: number): number {
  return call('int fcntl(int fd, int command, int argument)', fd, 1030, 3);
}
