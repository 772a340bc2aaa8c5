import { chownSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { mapsKey, type Workplace, withLock } from '../../image/rootfs/cache.js';
import { storageDriver } from '../../image/rootfs/storage.js';
import { buildCacheKey, cacheMountsFolder } from '../../image/store/build-cache.js';
import { strangerAsRoot } from '../../spec/choose-id-maps.js';
import type { IdMaps } from '../../spec/id-maps.js';
import type { Mount } from '../../spec/types.js';
import { clearAway } from '../../worker/remove-trees.js';
import type { RunMount } from '../dockerfile/run-mounts.js';
import { directoryWork, type FilesWork } from './files-step.js';
import { startLayerProgram } from './layer-program.js';
import { type MountContent, SHOWN } from './mount-contents.js';

const FOLDER = 'mounts';

/**
 * Makes what the mounts of a RUN show, and runs `use` with the mounts of its Spec. Files of the context, of other stages
 * and secrets are copies, which belong to the container's users and are gone afterwards, with what was written to them.
 * @throws FosterError
 */
export async function withMounts(
  contents: MountContent[],
  maps: IdMaps,
  place: Workplace,
  use: (mounts: Mount[]) => Promise<void>,
): Promise<void> {
  const mounts: Mount[] = [];
  const [locked, ...more] = [...new Set(contents.flatMap(({ mount }) => lockOf(mount, maps) ?? []))].sort();
  const begin = async () => {
    for (const [index, content] of contents.entries()) {
      const mount = await mountOf(content, maps, place, String(index));
      if (mount !== undefined) mounts.push(mount);
    }
    await use(mounts);
  };
  await [locked, ...more].reduce<() => Promise<void>>(
    (inner, lock) => (lock === undefined ? inner : () => withLock(lock, inner)),
    begin,
  )();
  const folder = join(place.folder, FOLDER);
  if (existsSync(folder)) clearAway([folder], maps);
}

function lockOf(mount: RunMount, maps: IdMaps): string | undefined {
  return mount.type === 'cache' && mount.isLocked ? `run-cache-${cacheKey(mount, maps)}` : undefined;
}

/** What is in a cache belongs to ids of the host: where root in the container is not the caller, they may be others soon. */
function cacheKey({ id, first }: RunMount & { type: 'cache' }, maps: IdMaps): string {
  const key = isPlain(first) ? id : [id, first];
  return buildCacheKey(strangerAsRoot(maps) === undefined ? key : [key, mapsKey(maps)]);
}

/** An empty directory of root's, which needs no program that makes it. */
function isPlain({ from, owner, mode }: (RunMount & { type: 'cache' })['first']): boolean {
  return from === undefined && owner.uid === 0 && owner.gid === 0 && mode === 0o755;
}

async function mountOf(
  { mount, work }: MountContent,
  maps: IdMaps,
  place: Workplace,
  name: string,
): Promise<Mount | undefined> {
  const options = ['nosuid', 'nodev'];
  switch (mount.type) {
    case 'tmpfs':
      if (mount.size !== undefined) options.push(`size=${mount.size}`);
      return { destination: mount.target, type: 'tmpfs', source: 'tmpfs', options };
    case 'cache': {
      if (mount.isReadOnly) options.push('ro');
      const source = await cacheFolder(mount, work, maps, place);
      return { destination: mount.target, type: 'bind', source, options: ['rbind', ...options] };
    }
    default: {
      if (mount.target === undefined || work === undefined) return undefined;
      if (mount.type === 'secret' || mount.isReadOnly) options.push('ro');
      const source = await fill(join(place.folder, FOLDER, name), work, maps, place);
      return { destination: mount.target, type: 'bind', source, options: ['rbind', ...options] };
    }
  }
}

/** Made where it is missing; stays. */
async function cacheFolder(
  mount: RunMount & { type: 'cache' },
  work: FilesWork | undefined,
  maps: IdMaps,
  place: Workplace,
): Promise<string> {
  const key = cacheKey(mount, maps);
  const folder = join(cacheMountsFolder(), key);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (isPlain(mount.first)) {
    const root = strangerAsRoot(maps);
    if (root !== undefined) chownSync(folder, root.uid, root.gid);
    return folder;
  }
  return await withLock(`new-cache-${key}`, async () => {
    const known = join(folder, 'upper', SHOWN);
    const isMade = existsSync(join(folder, 'made'));
    if (isMade) return known;
    clearAway([folder], maps); // one that was begun
    await fill(folder, work ?? directoryWork(SHOWN, mount.first), maps, place);
    mkdirSync(join(folder, 'made'));
    return known;
  });
}

/** Writes to a folder of its own. Returns the path of what was made. */
async function fill(folder: string, work: FilesWork, maps: IdMaps, place: Workplace): Promise<string> {
  for (const name of ['upper', 'spare']) mkdirSync(join(folder, name), { recursive: true, mode: 0o755 });
  const output = openSync('/dev/null', 'w');
  try {
    const { changes, inputs } = work;
    const rest = { layers: [], mountPoints: [], timestamp: undefined, isPacked: false };
    const order = { driver: await storageDriver(maps), folder, changes, ...rest };
    const program = startLayerProgram(order, maps, inputs, output);
    place.onInterrupt(program.kill);
    await program.report;
  } finally {
    closeSync(output);
  }
  return join(folder, 'upper', SHOWN);
}
