import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync, writeSync } from 'node:fs';
import { startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import type { ChosenMaps } from '../spec/choose-id-maps.js';
import { type IdMapping, isHostIdMapped, mapText } from '../spec/id-maps.js';
import { visible } from '../spec/parse/flag.js';
import { errnoNumber, errnoWords } from '../sys/errno.js';
import { type ErrorKind, FosterError } from '../sys/errors.js';
import { call, errnoOfAny } from '../sys/ffi.js';
import { socketPair, waitForChild } from '../sys/libc.js';
import { openProgram } from '../sys/programs.js';

/** A network namespace that somebody else has made, and the user namespace that owns it: `--network ns:PATH`. */

const CLONE_NEWNET = 0x4000_0000;
const O_NONBLOCK = 0o4000;
/** ioctl_ns(2) */
const [NS_GET_USERNS, NS_GET_NSTYPE] = [0xb701, 0xb703];

/**
 * Opens the user namespace that owns the network namespace at a path. The caller closes it.
 * @returns undefined if it is the one that we are in
 * @throws FosterError where there is no network namespace, or none that the caller has rights over
 */
export function openOwner(path: string): number | undefined {
  const namespace = open(path);
  try {
    if (isSame(namespace, '/proc/self/ns/net'))
      throw refused(path, 'it is that of the host', { kind: 'invalid', advice: 'use --network host' });
    const owner = call(IOCTL, namespace, NS_GET_USERNS);
    if (!isSame(owner, '/proc/self/ns/user')) return owner;
    closeSync(owner);
    if (process.getuid?.() === 0) return undefined;
    throw refused(path, 'it belongs to root of the machine, and only root may join it', {
      kind: 'denied',
      advice: 'make one of your own: unshare --user --map-root-user --net',
    });
  } catch (error) {
    throw errnoOfAny(error) === 'EPERM' ? refused(path, NO_RIGHTS, { kind: 'denied' }) : error;
  } finally {
    closeSync(namespace);
  }
}

const IOCTL = 'int ioctl(int fd, unsigned long request)';
const NO_RIGHTS = 'it belongs to a user namespace in which you have no rights';

function open(path: string): number {
  const fd = attempt(path, () => openSync(path, O_NONBLOCK)); // a FIFO would make us wait
  try {
    if (call(IOCTL, fd, NS_GET_NSTYPE) === CLONE_NEWNET) return fd;
  } catch (error) {
    if (errnoOfAny(error) !== 'ENOTTY') throw error;
  }
  closeSync(fd);
  throw refused(path, 'it is not a network namespace', {
    kind: 'invalid',
    advice: 'name one, such as /proc/PID/ns/net, or a file of ip-netns(8)',
  });
}

function attempt(path: string, work: () => number): number {
  try {
    return work();
  } catch (error) {
    const code = errnoOfAny(error);
    if (code === undefined) throw error;
    throw refused(path, errnoWords(errnoNumber(code)), { kind: code === 'ENOENT' ? 'not-found' : 'denied' });
  }
}

/**
 * The id maps of the user namespace that owns a network namespace: a container that joins the one has the users of the other.
 * @param options.isOwnJoined the container is to be in the user namespace that we are in
 * @returns undefined if that is the owner
 * @throws FosterError
 */
export function mapsOfOwner(path: string, { isOwnJoined }: { isOwnJoined: boolean }): ChosenMaps | undefined {
  const owner = openOwner(path);
  if (owner === undefined) {
    if (isOwnJoined) return undefined;
    throw refused(path, 'it belongs to the user namespace of the machine, and the container has its own', {
      kind: 'unsupported',
      advice: 'use --userns host',
    });
  }
  try {
    return readMaps(owner, path);
  } finally {
    closeSync(owner);
  }
}

/** The files of a container belong to the users that it had when it was created. @throws FosterError where they are others now */
export function checkSameUsers(
  path: string,
  { uidMappings, gidMappings }: { uidMappings: IdMapping[]; gidMappings: IdMapping[] },
): void {
  const maps = mapsOfOwner(path, { isOwnJoined: uidMappings.length === 0 });
  const { uid, gid } = maps ?? { uid: [], gid: [] };
  if (mapText(uid) === mapText(uidMappings) && mapText(gid) === mapText(gidMappings)) return;
  throw refused(path, 'its users are not those that the container was created with', {
    kind: 'conflict',
    advice: 'create the container again',
  });
}

/** Only a process in a user namespace has its maps, and only from outside they name ids of the host: user_namespaces(7). */
function readMaps(owner: number, path: string): ChosenMaps {
  const program = openProgram('/bin/cat');
  const [ours, theirs] = socketPair();
  const descriptors = [theirs, theirs, undefined, undefined, undefined, undefined, undefined, owner, program];
  try {
    const child = startProcess(
      { file: initProgram(), argv: ['foster-init', 'enter', 'u', 'cat'], env: [], descriptors },
      0,
    );
    closeSync(theirs);
    try {
      if (!answers(ours)) throw refused(path, NO_RIGHTS, { kind: 'denied' });
      return mapsAt(`/proc/${child.pid}`);
    } finally {
      closeSync(ours); // the end of its input
      closeSync(child.pidfd);
      waitForChild(child.pid);
    }
  } finally {
    closeSync(program);
  }
}

/** cat(1) runs inside, and returns what it is sent. */
function answers(socket: number): boolean {
  try {
    writeSync(socket, '.');
    return readSync(socket, Buffer.alloc(1)) === 1;
  } catch {
    return false; // it has ended
  }
}

function mapsAt(folder: string): ChosenMaps {
  const [uid, gid] = [readMap(`${folder}/uid_map`), readMap(`${folder}/gid_map`)];
  const own = process.getuid?.() ?? 0;
  const isSingle = readFileSync(`${folder}/setgroups`, 'utf8').trim() === 'deny';
  return { uid, gid, helpers: own !== 0 && !isSingle, isSingle, isCallerMapped: isHostIdMapped(own, uid) };
}

function readMap(file: string): IdMapping[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
    return { containerID, hostID, size };
  });
}

function isSame(fd: number, path: string): boolean {
  const [one, other] = [fstatSync(fd), statSync(path)];
  return one.ino === other.ino && one.dev === other.dev;
}

function refused(path: string, why: string, options: { kind: ErrorKind; advice?: string }): FosterError {
  return new FosterError(`cannot join the network namespace ${visible(path)}: ${why}`, options);
}
