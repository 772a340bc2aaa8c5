import { FosterError } from '../sys/errors.js';
import { quoted } from './parse/flag.js';

/** The user of the container's process, with the container's ids. */
export interface ResolvedUser {
  uid: number;
  gid: number;
  additionalGids: number[];
  home: string;
  /** From /etc/passwd; undefined for a bare number without an entry. */
  name: string | undefined;
}

interface PasswdEntry {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

interface GroupEntry {
  name: string;
  gid: number;
  members: string[];
}

/** ids have 32 bits, and (uid_t)-1 means "no change" to the kernel. */
const MAX_ID = 2 ** 32 - 2;

/**
 * Looks up `--user`, `name|uid[:group|gid]`, in a container's own files, like Docker: a number needs no entry; a given
 * group replaces the user's own groups; the default is root.
 * @param passwd text of the container's /etc/passwd, '' if there is none; invalid lines are skipped
 * @param group text of the container's /etc/group
 * @throws FosterError for a name without an entry and for a number out of range
 */
export function resolveUser(wanted: string | undefined, passwd: string, group: string): ResolvedUser {
  const [userPart = '', groupPart, ...rest] = (wanted ?? '').split(':');
  if (rest.length > 0 || groupPart === '') {
    throw new FosterError(
      `--user ${quoted(wanted ?? '')}: expected NAME or UID, optionally with :GROUP or :GID`,
    );
  }
  const userText = userPart === '' ? '0' : userPart;
  const entry = parsePasswd(passwd).find((one) => one.name === userText || isId(userText, one.uid));
  const uid = entry?.uid ?? parseId(userText, 'user', '/etc/passwd');
  const groups = groupPart === undefined && entry === undefined ? [] : parseGroup(group);
  const gid =
    groupPart === undefined
      ? (entry?.gid ?? 0)
      : (groups.find((one) => one.name === groupPart || isId(groupPart, one.gid))?.gid ??
        parseId(groupPart, 'group', '/etc/group'));
  const member =
    groupPart === undefined && entry !== undefined
      ? groups.filter((one) => one.members.includes(entry.name)).map((one) => one.gid)
      : [];
  return {
    uid,
    gid,
    // The primary group too, though a file's group would not need it: a program that drops its primary group must not
    // get past a file that denies that group (CVE-2022-36109).
    additionalGids: [...new Set([gid, ...member])],
    home: entry?.home || '/',
    name: entry?.name,
  };
}

/**
 * The ids of --group-add: names are looked up in the container's own /etc/group, numbers need no entry.
 * @throws FosterError
 */
export function resolveGroups(wanted: string[], group: string): number[] {
  if (wanted.length === 0) return [];
  const groups = parseGroup(group);
  return wanted.map(
    (text) =>
      groups.find((one) => one.name === text || isId(text, one.gid))?.gid ??
      parseId(text, 'group', '/etc/group'),
  );
}

function isId(text: string, id: number): boolean {
  return /^\d+$/.test(text) && Number(text) === id;
}

function parseId(text: string, kind: 'user' | 'group', file: string): number {
  if (!/^\d+$/.test(text)) {
    throw new FosterError(`no ${kind} ${text} in the container's ${file}`, {
      advice: `a ${kind === 'user' ? 'uid' : 'gid'} needs no entry there`,
    });
  }
  const id = Number(text);
  if (id > MAX_ID)
    throw new FosterError(`--user: ${text} is not a valid ${kind} id: the largest is ${MAX_ID}`);
  return id;
}

/** An id in an untrusted file; undefined if it is invalid. */
function fileId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

function parsePasswd(text: string): PasswdEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uidText, gidText, , home = ''] = line.split(':');
    const uid = fileId(uidText);
    const gid = fileId(gidText);
    if (!name || uid === undefined || gid === undefined) return [];
    // HOME becomes a variable and possibly a working directory, so it must be a path
    return [{ name, uid, gid, home: home.startsWith('/') && !home.includes('\0') ? home : '' }];
  });
}

function parseGroup(text: string): GroupEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name, , gidText, members = ''] = line.split(':');
    const gid = fileId(gidText);
    if (!name || gid === undefined) return [];
    return [{ name, gid, members: members.split(',').map((member) => member.trim()) }];
  });
}
