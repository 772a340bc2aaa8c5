import { readFileSync, statfsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lockStore } from '../image/store/lock.js';
import { RootFiles } from '../layers/root-files.js';
import { isShifted } from '../plan/handed-mounts.js';
import { type ChosenMaps, chooseIdMaps } from '../spec/choose-id-maps.js';
import type { IdMapping } from '../spec/id-maps.js';
import { isHostIdMapped } from '../spec/id-maps.js';
import { subordinateRanges } from '../spec/id-ranges.js';
import { randomId } from '../spec/names.js';
import { type ConfigFacts, specFromConfig } from '../spec/oci/from-config.js';
import { configError } from '../spec/oci/reader.js';
import { readConfig } from '../spec/oci/schema.js';
import { visible } from '../spec/parse/flag.js';
import type { Bundle, RunRequest } from '../spec/request.js';
import type { StorageDriver } from '../spec/storage-driver.js';
import type { NamespaceType, Spec } from '../spec/types.js';
import { resolveUser } from '../spec/users.js';
import { callerName } from '../sys/caller-name.js';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { surroundings } from '../sys/surroundings.js';
import { type Annotated, readAnnotations } from './annotations.js';
import { majorOf, minorOf } from './block-devices.js';
import { checkOwner, type Draft, draftOf, mapsIn, singleIdWarning } from './draft.js';

/**
 * Reads the config.json of an OCI bundle.
 * @throws FosterError with the JSON path of what is wrong
 */
export function readBundle(folder: string): Bundle {
  const path = join(folder, 'config.json');
  return aboutFile(path, () => {
    const { config, unknown } = readConfig(readText(path));
    return { folder, config, unknown };
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    throw configError(
      '',
      errnoWords(errnoNumber(code)),
      'a bundle is a directory with a config.json: "foster spec" writes one',
    );
  }
}

function aboutFile<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    const { message, advice, exitCode, kind } = error;
    throw new FosterError(`cannot use ${visible(path)}: ${message}`, {
      exitCode,
      kind,
      cause: error,
      ...(advice !== undefined && { advice }),
    });
  }
}

/**
 * Drafts the container for an OCI bundle.
 * @throws FosterError
 */
export async function draftBundle(request: RunRequest, bundle: Bundle): Promise<Draft> {
  const path = join(bundle.folder, 'config.json');
  const annotated = aboutFile(path, () => readAnnotations(bundle.config));
  if (annotated.driver !== undefined) await lockStore(); // keeps the layers until a container's record refers to them
  const note = (sentence: string) => surroundings().warn(visible(`${path}: ${sentence}`));
  return aboutFile(path, () => {
    for (const member of bundle.unknown)
      note(`${member} is nothing that the specification has, and is ignored`);
    const spec = specFromConfig(bundle.config, factsFor(bundle, annotated, note), note);
    return draftFor(request, spec, annotated);
  });
}

function draftFor(request: RunRequest, spec: Spec, annotated: Annotated): Draft {
  const id = randomId();
  const { uidMappings: uid, gidMappings: gid, namespaces } = spec.linux;
  checkRanges(spec);
  const maps = chosen({ uid, gid });
  const driver = driverOf(
    annotated,
    namespaces.some(({ type }) => type === 'pid'),
  );
  const isRootShifted =
    driver === 'in-place'
      ? checkRoot(spec.root.path, maps)
      : checkOwner({ path: spec.root.path, source: 'directory' }, maps, driver);
  const network = namespaces.some(({ type, path: joined }) => type === 'network' && joined === undefined);
  const { asked, ...draft } = draftOf(
    { ...request, hostname: spec.hostname, network: network ? 'none' : 'host' },
    id,
    spec,
    annotated.image && { ...annotated.image, defaults: {} },
  );
  // as with the flags: what asks for shifted ids must not be mounted without
  const idmapped = spec.mounts.filter(isShifted).map(({ destination }) => destination);
  return {
    ...draft,
    asked: { ...asked, ...(idmapped.length > 0 && { idmapped }) },
    ...(annotated.network && { network: annotated.network }),
    driver,
    ...mapsIn(maps),
    ...(isRootShifted && { isRootShifted }),
  };
}

function driverOf({ driver }: Annotated, hasPids: boolean): StorageDriver | 'in-place' {
  // a container that sees processes of others could see fuse-overlayfs
  return driver === 'fuse-overlayfs' && !hasPids ? 'copy' : (driver ?? 'in-place');
}

/** The owner of the root directory must be mapped in the container. */
function checkRoot(path: string, { uid }: ChosenMaps): false {
  const { uid: owner } = statSync(path);
  if (uid.length === 0 || isHostIdMapped(owner, uid)) return false;
  throw configError(
    'root.path',
    `${path} belongs to user ${owner} of the machine, who is nobody in the user namespace of the container`,
    'give its files to users that linux.uidMappings has, or map their owner',
  );
}

const ownUid = () => process.getuid?.() ?? 0;
const ownGid = () => process.getgid?.() ?? 0;

interface Maps {
  uid: IdMapping[];
  gid: IdMapping[];
}

/** Whether only the caller's own ids are mapped. Then no helper is needed, and no more groups are possible. */
function isSingle({ uid, gid }: Maps): boolean {
  const isOwn = ([line, ...others]: IdMapping[], own: number) =>
    line !== undefined && others.length === 0 && line.size === 1 && line.hostID === own;
  return ownUid() !== 0 && isOwn(uid, ownUid()) && isOwn(gid, ownGid());
}

function chosen(maps: Maps): ChosenMaps {
  const single = isSingle(maps);
  return {
    ...maps,
    helpers: maps.uid.length > 0 && ownUid() !== 0 && !single,
    isSingle: single,
    isCallerMapped: maps.uid.length === 0 || isHostIdMapped(ownUid(), maps.uid),
  };
}

/** Root may map any ids, others only their own and those that they have in /etc/subuid and /etc/subgid. */
function checkRanges({ linux }: Spec): void {
  if (ownUid() === 0 || linux.uidMappings.length === 0) return;
  const username = callerName();
  const ranges = subordinateRanges(username, ownUid());
  for (const [kind, own] of [
    ['uid', ownUid()],
    ['gid', ownGid()],
  ] as const) {
    const allowed = [...ranges[kind], { start: own, size: 1 }];
    for (const [index, { hostID, size }] of linux[`${kind}Mappings`].entries()) {
      if (isCovered(hostID, hostID + size, allowed)) continue;
      const what = kind === 'uid' ? 'user' : 'group';
      throw configError(
        `linux.${kind}Mappings[${index}]`,
        `${username} may not map the ${what} ids ${hostID} to ${hostID + size - 1} of the machine`,
        `leave out both mappings for those that /etc/sub${kind} gives you`,
      );
    }
  }
}

/** Whether the ranges together contain all ids from `start` up to, but not including, `end`. */
function isCovered(start: number, end: number, ranges: { start: number; size: number }[]): boolean {
  let next = start;
  while (next < end) {
    const range = ranges.find((each) => each.start <= next && next < each.start + each.size);
    if (range === undefined) return false;
    next = range.start + range.size;
  }
  return true;
}

function factsFor({ folder }: Bundle, { image }: Annotated, note: (sentence: string) => void): ConfigFacts {
  const info = (path: string) => statSync(path, { throwIfNoEntry: false });
  return {
    resolve: (path) => resolve(folder, path),
    exists: (path) => isThere(() => info(path)),
    isDirectory: (path) => isThere(() => info(path)?.isDirectory() || undefined),
    isOwnNamespace: (path, type) =>
      isThere(() => {
        const [one, own] = [info(path), statSync(`/proc/self/ns/${NAMES[type] ?? type}`)];
        return one?.ino === own.ino && one.dev === own.dev ? own : undefined;
      }),
    device: (path) => {
      const found = isThere(() => info(path)) ? info(path) : undefined;
      if (found === undefined || !(found.isCharacterDevice() || found.isBlockDevice())) return undefined;
      return {
        type: found.isBlockDevice() ? 'b' : 'c',
        major: majorOf(found.rdev),
        minor: minorOf(found.rdev),
        mode: found.mode,
      };
    },
    hasUnifiedCgroups: hasUnifiedCgroups(),
    callerIsRoot: ownUid() === 0,
    architecture: process.arch,
    defaultMaps: () => {
      const maps = chooseIdMaps('default', ownUid(), ownGid());
      if (maps.isSingle) note(singleIdWarning());
      return maps;
    },
    canSetGroups: (maps) => !isSingle(maps),
    home: (root, uid) => homeOf(image?.layers ?? [root], uid),
  };
}

/** Files below /proc/PID/ns whose names differ from those in the runtime-spec. */
const NAMES: Readonly<Partial<Record<NamespaceType, string>>> = { mount: 'mnt', network: 'net' };

/** Whether something exists. A path that cannot be reached counts as missing. */
function isThere(look: () => unknown): boolean {
  try {
    return look() !== undefined;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

function hasUnifiedCgroups(): boolean {
  const CGROUP2_SUPER_MAGIC = 0x63677270;
  try {
    return statfsSync('/sys/fs/cgroup').type === CGROUP2_SUPER_MAGIC;
  } catch {
    return false;
  }
}

function homeOf(layers: string[], uid: number): string {
  const root = new RootFiles(layers);
  try {
    return resolveUser(String(uid), root.read('/etc/passwd'), '').home;
  } finally {
    root.close();
  }
}
