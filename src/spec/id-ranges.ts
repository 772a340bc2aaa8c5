import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dataFolder } from '../sys/paths.js';

/** A range of ids of the host. */
export interface Range {
  start: number;
  size: number;
}

/** Ranges of user and group ids. */
export interface Ranges {
  uid: Range[];
  gid: Range[];
}

/** Access to files of the host, by absolute paths. */
export interface HostFiles {
  /** Returns '' if the file does not exist. */
  read(path: string): string;
  /** Writes one of foster's own files. */
  keep(path: string, text: string): void;
}

/** A user's ranges in subuid(5) and subgid(5), in the order of the lines. */
export function subordinateRanges(name: string, uid: number, { read }: HostFiles = MACHINE): Ranges {
  const of = (file: string) =>
    rangeLines(read(file)).flatMap(({ who, range }) => (who === name || who === String(uid) ? [range] : []));
  return { uid: of('/etc/subuid'), gid: of('/etc/subgid') };
}

/** Where useradd(8) begins to give ranges to users: SUB_UID_MIN of login.defs(5). */
const FIRST_OF_USERS = 100_000;

/** What root must type to give a user a range of ids that nobody else has. */
export function addRangesCommand(name: string, { read }: HostFiles = MACHINE): string {
  const taken = takenRanges(read);
  let start = FIRST_OF_USERS;
  for (let other: Range | undefined; ; start = other.start + other.size) {
    other = taken.find((each) => overlaps(each, { start, size: SIZE }));
    if (other === undefined) break;
  }
  const range = `${start}-${start + SIZE - 1}`;
  return `usermod --add-subuids ${range} --add-subgids ${range} ${name}`;
}

/** The number of ids that useradd(8) gives to a user. */
const SIZE = 65_536;

/**
 * The first id of root's ranges: above those that useradd(8) assigns (SUB_UID_MAX) and systemd uses for containers,
 * below those that some programs take for negative numbers.
 */
const FIRST = 0x7000_0000;
const END = 0x7ffe_0000;

/**
 * Picks a range for root's containers if /etc/subuid has none: the first range that no user, no group and no line of
 * /etc/subuid and /etc/subgid uses. It is the same for users and groups, and stored in the data folder until others use
 * its ids, because unpacked layers belong to them.
 * @returns undefined in a user namespace without space for a range, where root is not the host's anyway
 */
export function ownRange({ read, keep }: HostFiles = MACHINE): Range | undefined {
  const taken = takenRanges(read);
  const here = ['/proc/self/uid_map', '/proc/self/gid_map'].map((path) => mappedIds(read(path)));
  const isFree = (range: Range) =>
    here.every((mapped) => mapped.some((each) => contains(each, range))) &&
    !taken.some((each) => overlaps(each, range));
  const path = join(dataFolder(), 'id-range');
  const remembered = { start: Number(/^(\d{1,10})\n$/.exec(read(path))?.[1]), size: SIZE };
  if (remembered.start > 0 && isFree(remembered)) return remembered;
  const range = candidates(here[0] ?? []).find(isFree);
  if (range !== undefined) keep(path, `${range.start}\n`);
  return range;
}

/** Where to look: foster's own range in the initial user namespace; anywhere in others, which may be small. */
function candidates(mapped: Range[]): Range[] {
  const within = (first: number, end: number) =>
    Array.from({ length: Math.max(0, Math.floor((end - first) / SIZE)) }, (_, index) => ({
      start: first + index * SIZE,
      size: SIZE,
    }));
  const MOST = 1000; // the number of positions to try in one line
  return [
    ...within(FIRST, END),
    ...mapped.flatMap(({ start, size }) =>
      within(start, start + size)
        .toReversed()
        .slice(0, MOST),
    ),
  ];
}

function takenRanges(read: HostFiles['read']): Range[] {
  const ids = (path: string, fields: number[]) =>
    read(path)
      .split('\n')
      .flatMap((line) => fields.map((field) => Number(line.split(':')[field] || Number.NaN)))
      .flatMap((start) => (Number.isSafeInteger(start) ? [{ start, size: 1 }] : []));
  return [
    ...ids('/etc/passwd', [2, 3]),
    ...ids('/etc/group', [2]),
    ...['/etc/subuid', '/etc/subgid'].flatMap((path) => rangeLines(read(path)).map(({ range }) => range)),
  ];
}

/** Parses lines `who:start:size`. */
function rangeLines(text: string): { who: string; range: Range }[] {
  return text.split('\n').flatMap((line) => {
    const [who = '', start, size] = line.split(':');
    const range = { start: Number(start), size: Number(size) };
    return Number.isSafeInteger(range.start) && range.size > 0 ? [{ who, range }] : [];
  });
}

/** The ids in the current user namespace, from its uid_map or gid_map. */
export function mappedIds(text: string): Range[] {
  return text.split('\n').flatMap((line) => {
    const [start, , size] = line.trim().split(/\s+/).map(Number);
    return start === undefined || size === undefined ? [] : [{ start, size }];
  });
}

function contains(outer: Range, inner: Range): boolean {
  return inner.start >= outer.start && inner.start + inner.size <= outer.start + outer.size;
}

function overlaps(one: Range, other: Range): boolean {
  return one.start < other.start + other.size && other.start < one.start + one.size;
}

export const MACHINE: HostFiles = {
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  },
  keep(path, text) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const fresh = `${path}.${process.pid}`;
      writeFileSync(fresh, text, { mode: 0o600 });
      renameSync(fresh, path);
    } catch {
      // The choice is the same without the file. An unwritable folder is reported when something must be written to it.
    }
  },
};
