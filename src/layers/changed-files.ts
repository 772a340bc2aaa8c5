import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { pathOf } from '../tar/member.js';
import { attributesOf } from './file-attributes.js';
import type { LayerStack } from './stack.js';
import { COPIED } from './tree-protocol.js';
import { unlessGone } from './unless-gone.js';
import { listNames, targetOf, type WritableLayer } from './writable-layer.js';

/** When the copy in a container's folder was completed, in milliseconds since 1970. @throws Error of node:fs */
export function timeOfCopy(folder: string): number {
  return lstatSync(`${folder}/${COPIED}`).ctimeMs;
}

/**
 * What a container has changed in a copy of its layers (copy-tree.ts), in the form of the upper directory of an
 * overlay: with the parent directories of each change, and all names of a changed file.
 *
 * A file has changed if its type, size or modification time differs. Owner, mode, extended attributes and content are
 * compared only if its ctime is later than the copy, because processes cannot set the ctime (inode(7)). A copy may lack
 * owners and attributes that are not available here.
 */
export class ChangedFiles implements WritableLayer {
  readonly #tree: string;
  readonly #layers: LayerStack;
  readonly #since: number;
  readonly #changed = new Set<string>();
  readonly #deleted = new Set<string>();
  readonly #names = new Map<string, string[]>();
  /** Names of files with several names, by inode. */
  readonly #linked = new Map<number, string[]>();

  /**
   * @param tree absolute path of the copy; its owners are in the same user namespace as those of the layers
   * @param since when it was completed, in milliseconds since 1970, by the clock of its file system
   */
  constructor(tree: string, layers: LayerStack, since: number) {
    this.#tree = Buffer.from(tree).toString('latin1');
    this.#layers = layers;
    this.#since = since;
    this.#compare('', layers.top);
    this.#addOtherNames();
    for (const name of [...this.#changed, ...this.#deleted].sort()) {
      const directory = name.slice(0, name.lastIndexOf('/') + 1);
      const names = this.#names.get(directory);
      const base = name.slice(directory.length);
      if (names === undefined) this.#names.set(directory, [base]);
      else names.push(base);
    }
  }

  lstat(name: string): Stats | undefined {
    return this.#changed.has(name) ? lstat(`${this.#tree}/${name}`) : undefined;
  }

  link(name: string): string | undefined {
    return this.#changed.has(name) ? targetOf(`${this.#tree}/${name}`) : undefined;
  }

  names(directory: string): string[] {
    return this.#names.get(directory) ?? [];
  }

  isDeleted(name: string): boolean {
    return this.#deleted.has(name);
  }

  isOpaque(): boolean {
    return false; // each deleted name is listed separately
  }

  /** @param places directories of the layers; none if it does not exist there */
  #compare(directory: string, places: string[]): void {
    const below = places.length === 0 ? new Map<string, string[]>() : this.#layers.entries(places);
    for (const base of unlessGone(() => listNames(`${this.#tree}/${directory}`)) ?? []) {
      const name = `${directory}${base}`;
      const info = lstat(`${this.#tree}/${name}`);
      if (info === undefined) continue; // deleted meanwhile
      const files = below.get(base) ?? [];
      below.delete(base);
      const lower = files[0] === undefined ? undefined : lstat(files[0]);
      const isSame =
        lower !== undefined &&
        unlessGone(() => !this.#isDifferent(name, info, files[0] ?? '', lower), ['EINVAL']);
      if (!isSame) this.#add(name);
      if (info.nlink > 1 && !info.isDirectory()) this.#remember(info.ino, name);
      if (info.isDirectory()) this.#compare(`${name}/`, lower?.isDirectory() ? files : []);
    }
    for (const [base, [file = '']] of below) {
      if (!wasCopied(file)) continue;
      this.#deleted.add(`${directory}${base}`);
      this.#addParents(`${directory}${base}`);
    }
  }

  #add(name: string): void {
    this.#changed.add(name);
    this.#addParents(name);
  }

  #addParents(name: string): void {
    for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
      const parent = name.slice(0, slash);
      if (this.#changed.has(parent)) return;
      this.#changed.add(parent);
    }
  }

  #remember(inode: number, name: string): void {
    const names = this.#linked.get(inode);
    if (names === undefined) this.#linked.set(inode, [name]);
    else names.push(name);
  }

  /** Adds all other names of changed files: otherwise the layer would make two files of one. */
  #addOtherNames(): void {
    for (const names of this.#linked.values()) {
      if (names.some((name) => this.#changed.has(name))) for (const name of names) this.#add(name);
    }
  }

  #isDifferent(name: string, info: Stats, file: string, lower: Stats): boolean {
    if ((info.mode & S_IFMT) !== (lower.mode & S_IFMT)) return true;
    if (Math.abs(info.mtimeMs - lower.mtimeMs) >= TOLERANCE_MS) return true;
    if (info.isFile() && info.size !== lower.size) return true;
    if (info.ctimeMs < this.#since) return false;
    if (info.mode !== lower.mode || info.uid !== lower.uid || info.gid !== lower.gid) return true;
    const path = `${this.#tree}/${name}`;
    if (info.isSymbolicLink())
      return !readlinkSync(pathOf(path), 'buffer').equals(readlinkSync(pathOf(file), 'buffer'));
    return !haveSameAttributes(path, file) || (info.isFile() && !haveSameContent(path, file));
  }
}

const { S_IFMT } = constants;
/** Times are copied to the microsecond. */
const TOLERANCE_MS = 0.002;

/** Unreadable files were skipped. */
function wasCopied(file: string): boolean {
  if (!lstat(file)?.isFile()) return true;
  try {
    accessSync(pathOf(file), constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function haveSameAttributes(one: string, other: string): boolean {
  const [first, second] = [attributesOf(one), attributesOf(other)];
  if (first.size !== second.size) return false;
  return [...first].every(([name, value]) => second.get(name)?.equals(value) ?? false);
}

const PIECE = 256 * 1024;

function haveSameContent(one: string, other: string): boolean {
  const fds: number[] = [];
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    for (const path of [one, other]) fds.push(openSync(pathOf(path), flags));
    const pieces = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)] as const;
    for (;;) {
      const [first = 0, second = 0] = fds.map((fd, index) => readSync(fd, pieces[index] ?? pieces[0]));
      if (first !== second || !pieces[0].subarray(0, first).equals(pieces[1].subarray(0, first)))
        return false;
      if (first === 0) return true;
    }
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function lstat(path: string): Stats | undefined {
  return unlessGone(() => lstatSync(pathOf(path)));
}
