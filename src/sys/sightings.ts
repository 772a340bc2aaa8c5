import fs, { type BigIntStats } from 'node:fs';
import os from 'node:os';
import { isAbsolute, join } from 'node:path';
import { wire } from './wire-constants.js';

/**
 * What this process looks at while it plans a container: a template of the plan (src/container/run-template.ts) holds as long as
 * all of it is unchanged. It is recorded where Node reads files and variables, and not where foster does, so that nothing can be
 * forgotten.
 */

/** A file that was looked at, as struct template_file of wire.h has it. */
export interface Sighting {
  /** The directory that is the root for `path`; '' for none. */
  root: string;
  path: string;
  /** One of FILE_*. */
  kind: number;
  /** Five numbers; zeros if there is no such file. */
  stamp: readonly bigint[];
}

export interface Sightings {
  files: Sighting[];
  /** `NAME=VALUE`, or a NAME that is not set. */
  variables: string[];
  /** Whether the working directory was asked for. */
  usesDirectory: boolean;
  /** Something was looked at that cannot be compared later. */
  isOpaque: boolean;
}

const NONE = [0n, 0n, 0n, 0n, 0n];

const S_IFMT = 0o170000n;

let files: Map<string, Sighting> | undefined;
const variables = new Map<string, string | undefined>();
let usesDirectory = false;
let isOpaque = false;

/** Everything so far. */
export function sightings(): Sightings {
  return {
    files: [...(files?.values() ?? [])],
    variables: [...variables].map(([name, value]) => (value === undefined ? name : `${name}=${value}`)),
    usesDirectory,
    isOpaque: isOpaque || files === undefined,
  };
}

/** The numbers of a file when its content was first looked at; undefined if it was not. */
export function seenStamp(path: string): readonly bigint[] | undefined {
  return files?.get(keyOf({ kind: wire.FILE_CONTENT, isLink: false, root: '', path }))?.stamp;
}

/** Something is seen that a template cannot repeat. */
export function refuseTemplate(): void {
  if (files !== undefined) isOpaque = true;
}

/** The variable of the caller's environment is read. */
export function seeVariable(name: string, value: string | undefined): void {
  if (files !== undefined) variables.set(name, value);
}

/** The caller's working directory is asked for. */
export function seeDirectory(): void {
  if (files !== undefined) usesDirectory = true;
}

/** Runs `look`, on whose result no plan depends. */
export function unseen<T>(look: () => T): T {
  const seen = files;
  files = undefined;
  try {
    return look();
  } finally {
    files = seen;
  }
}

/** As `unseen`, for what takes a while, during which nothing else is done. */
export async function unseenAsync<T>(look: () => Promise<T>): Promise<T> {
  const seen = files;
  files = undefined;
  try {
    return await look();
  } finally {
    files = seen;
  }
}

/** Numbers of a file, by which it is recognized: front/run-template.c makes the same. */
function stampOf(info: BigIntStats | undefined, kind: number): readonly bigint[] {
  if (info === undefined) return NONE;
  if (kind === wire.FILE_TYPE) return [info.mode & S_IFMT, 0n, 0n, 0n, 0n];
  if (kind === wire.FILE_CONTENT) return [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs];
  return [info.dev, info.ino, info.mode, info.uid, info.gid];
}

type Look = (path: string, options: { bigint: true; throwIfNoEntry: false }) => BigIntStats | undefined;

function infoOf(look: Look, path: string): BigIntStats | undefined {
  try {
    return look(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined; // a part of the path is no directory, or may not be entered
  }
}

const originals = { lstat: fs.lstatSync as unknown as Look, stat: fs.statSync as unknown as Look };

/** Whether the file's content, or a directory's list, is read, or only what is known about it. */
type Use = 'content' | 'identity';

/** Called before the file is read: then a change that comes between makes the template useless, and not wrong. */
function see(path: unknown, use: Use, { isLink = false } = {}): void {
  if (files === undefined || typeof path === 'number') return;
  if (typeof path !== 'string' || path.includes('\0')) {
    isOpaque = true;
    return;
  }
  if (!isAbsolute(path)) {
    see(join(process.cwd(), path), use, { isLink });
    return;
  }
  if (path.startsWith('/proc/self/fd/')) {
    // The caller names a descriptor of its own like that, such as a shell's <(...). What foster has opened was seen then.
    if (!isLink && /^\/proc\/self\/fd\/\d+$/.test(path)) isOpaque = true;
    return;
  }
  const isKernels = /^\/(proc|sys)(\/|$)/.test(path);
  if (isKernels && use === 'content') {
    if (COMPARABLE.test(path)) noteText(path);
    else isOpaque = true;
    return;
  }
  const info = infoOf(isLink ? originals.lstat : originals.stat, path);
  // what comes out of a pipe or a device is something else each time
  if (
    use === 'content' &&
    info !== undefined &&
    !(info.isFile() || info.isDirectory() || info.isSymbolicLink())
  )
    isOpaque = true;
  note({ root: '', path, use, isLink, isKernels, info });
}

/** Files of the kernel whose text says how the machine is set up, and not what happens on it just now. */
const COMPARABLE =
  /^\/proc\/self\/(mountinfo|cgroup|[ug]id_map)$|^\/sys\/fs\/cgroup\/(.+\/)?(cgroup\.(controllers|subtree_control)|cpuset\.\w+)$/;

function noteText(path: string): void {
  const kind = wire.FILE_TEXT;
  files?.set(`${kind} ${path}`, { root: '', path, kind, stamp: textStamp(path) });
}

/** How many bytes the file has, and two hashes of them (FNV-1a): front/run-template.c makes the same. */
function textStamp(path: string): readonly bigint[] {
  let [one, two] = [0x811c9dc5, 0x01234567];
  let bytes: Buffer;
  try {
    bytes = unseen(() => fs.readFileSync(path));
  } catch {
    return NONE;
  }
  if (bytes.length === 0) return NONE;
  for (const byte of bytes)
    [one, two] = [Math.imul(one ^ byte, 0x01000193), Math.imul(two ^ byte, 0x01000193)];
  return [BigInt(bytes.length), BigInt(one >>> 0), BigInt(two >>> 0), 0n, 0n];
}

/** A file below a directory that is the root for all links in the path. @param find its numbers */
export function seeBelow(root: string, path: string, info: BigIntStats | undefined, isLink: boolean): void {
  if (files !== undefined) note({ root, path, use: 'content', isLink, isKernels: false, info });
}

/** Whether `seeBelow` is of use. */
export function isSeeing(): boolean {
  return files !== undefined;
}

interface Note {
  root: string;
  path: string;
  use: Use;
  isLink: boolean;
  isKernels: boolean;
  info: BigIntStats | undefined;
}

function note({ root, path, use, isLink, isKernels, info }: Note): void {
  // what is known about a regular file can be its size and its times, too; those of a device mean nothing
  const isWhole = info?.isDirectory() === true ? use === 'content' : info?.isFile() || info?.isSymbolicLink();
  const kind = isKernels ? wire.FILE_TYPE : isWhole ? wire.FILE_CONTENT : wire.FILE_IDENTITY;
  const key = keyOf({ kind, isLink, root, path });
  if (files?.has(key)) return;
  files?.set(key, { root, path, kind: kind | (isLink ? wire.FILE_LINK : 0), stamp: stampOf(info, kind) });
}

function keyOf({
  kind,
  isLink,
  root,
  path,
}: { kind: number } & Pick<Note, 'isLink' | 'root' | 'path'>): string {
  return `${kind} ${isLink} ${root}\0${path}`;
}

/** Node's functions that look at files, and what they look at. Others would need an entry: they refuse a template. */
const READS: Readonly<Record<string, [Use, { isLink: boolean }?]>> = {
  accessSync: ['identity'],
  existsSync: ['identity'],
  statSync: ['identity'],
  lstatSync: ['identity', { isLink: true }],
  realpathSync: ['identity'],
  readlinkSync: ['content', { isLink: true }],
  readFileSync: ['content'],
  readdirSync: ['content'],
};
const REFUSED = [
  'opendirSync',
  'createReadStream',
  'statfsSync',
  'readFile',
  'readdir',
  'stat',
  'lstat',
  'open',
];

type AnyFunction = (...args: unknown[]) => unknown;

function wrap(name: string, before: (...args: unknown[]) => void, owner: object = fs): void {
  const table = owner as Record<string, AnyFunction>;
  const original = table[name];
  if (original === undefined) return;
  const wrapped: AnyFunction = (...args) => {
    before(...args);
    return original(...args);
  };
  table[name] = Object.assign(wrapped, original); // realpathSync.native
}

/** Descriptors that are opened for writing are of foster's own files. */
function seeOpened(path: unknown, flags: unknown): void {
  const { O_RDWR, O_WRONLY } = fs.constants;
  const O_PATH = 0o10000000;
  if (typeof flags === 'number') {
    if ((flags & (O_RDWR | O_WRONLY)) === 0) see(path, (flags & O_PATH) !== 0 ? 'identity' : 'content');
  } else if (flags === undefined || flags === 'r') see(path, 'content');
}

let hasBegun = false;

/** Records from now on what this process looks at, once and for all. */
export function beginSightings(): void {
  if (hasBegun) return;
  hasBegun = true;
  // The command reads its modules when they are first used (src/cli/bootstrap.ts): looking at that must not need another one.
  void wire.FILE_CONTENT;
  files = new Map();
  for (const [name, [use, options]] of Object.entries(READS)) wrap(name, (path) => see(path, use, options));
  for (const name of REFUSED) wrap(name, refuseTemplate);
  wrap('openSync', seeOpened);
  wrap('userInfo', () => see('/etc/passwd', 'content'), os);
}
