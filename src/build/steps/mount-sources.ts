import { chownSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { mapsKey, type Workspace, withLock } from '../../image/rootfs/cache.js';
import { storageDriver } from '../../image/rootfs/storage.js';
import { buildCacheKey, cacheMountsFolder } from '../../image/store/build-cache.js';
import { foreignRoot } from '../../spec/choose-id-maps.js';
import type { IdMaps } from '../../spec/id-maps.js';
import type { Mount } from '../../spec/types.js';
import { removeTreesOfAnyOwner } from '../../worker/remove-trees.js';
import type { RunMount } from '../dockerfile/run-mounts.js';
import { directoryWork, type FilesWork } from './files-step.js';
import { startLayerProgram } from './layer-program.js';
import { CONTENT_PATH, type MountContent } from './mount-contents.js';

const FOLDER = 'mounts';

/**
 * Prepares the mounts of a RUN, and runs `use` with the mounts for its Spec. Files of the context, files of other
 * stages and secrets are copied; the copies belong to the container's users and are removed afterwards, with all
 * changes.
 * @throws FosterError
 */
export async function withMounts(
  contents: MountContent[],
  maps: IdMaps,
  workspace: Workspace,
  use: (mounts: Mount[]) => Promise<void>,
): Promise<void> {
  const mounts: Mount[] = [];
  const [locked, ...more] = [...new Set(contents.flatMap(({ mount }) => lockOf(mount, maps) ?? []))].sort();
  const begin = async () => {
    for (const [index, content] of contents.entries()) {
      const mount = await mountOf(content, maps, workspace, String(index));
      if (mount !== undefined) mounts.push(mount);
    }
    await use(mounts);
  };
  await [locked, ...more].reduce<() => Promise<void>>(
    (inner, lock) => (lock === undefined ? inner : () => withLock(lock, inner)),
    begin,
  )();
  const folder = join(workspace.folder, FOLDER);
  if (existsSync(folder)) removeTreesOfAnyOwner([folder], maps);
}

function lockOf(mount: RunMount, maps: IdMaps): string | undefined {
  return mount.type === 'cache' && mount.isLocked ? `run-cache-${cacheKey(mount, maps)}` : undefined;
}

/**
 * The files of a cache belong to ids of the host, which depend on the id maps unless the caller is root in the
 * container.
 */
function cacheKey({ id, initial }: RunMount & { type: 'cache' }, maps: IdMaps): string {
  const key = isPlain(initial) ? id : [id, initial];
  return buildCacheKey(foreignRoot(maps) === undefined ? key : [key, mapsKey(maps)]);
}

/** An empty directory owned by root needs no helper to create it. */
function isPlain({ from, owner, mode }: (RunMount & { type: 'cache' })['initial']): boolean {
  return from === undefined && owner.uid === 0 && owner.gid === 0 && mode === 0o755;
}

async function mountOf(
  content: MountContent,
  maps: IdMaps,
  workspace: Workspace,
  name: string,
): Promise<Mount | undefined> {
  const { mount, work, socket } = content;
  switch (mount.type) {
    case 'tmpfs':
      return mountOn(content, 'tmpfs');
    case 'ssh':
      return socket === undefined ? undefined : mountOn(content, socket);
    case 'cache':
      return mountOn(content, await cacheFolder(mount, work, maps, workspace));
    default:
      if (mount.target === undefined || work === undefined) return undefined;
      return mountOn(content, await fill(join(workspace.folder, FOLDER, name), work, maps, workspace));
  }
}

/** The mount of a RUN with that source; undefined if it has no place in the container: a secret in a variable only. */
function mountOn({ mount }: MountContent, source: string): Mount | undefined {
  if (mount.target === undefined) return undefined;
  const options = ['nosuid', 'nodev'];
  if (mount.type === 'tmpfs') {
    if (mount.size !== undefined) options.push(`size=${mount.size}`);
    return { destination: mount.target, type: 'tmpfs', source, options };
  }
  if (mount.type === 'secret' || (mount.type !== 'ssh' && mount.isReadOnly)) options.push('ro');
  return { destination: mount.target, type: 'bind', source, options: ['rbind', ...options] };
}

/** The mounts that a RUN would have. Their sources are not made: they are said in words, in angle brackets. */
export function foreseenMounts(contents: readonly MountContent[], maps: IdMaps): Mount[] {
  return contents.flatMap((content) => {
    const { mount, work, socket } = content;
    if (mount.type === 'tmpfs') return mountOn(content, 'tmpfs') ?? [];
    if (mount.type === 'cache')
      return mountOn(content, join(cacheMountsFolder(), cacheKey(mount, maps))) ?? [];
    if (mount.type === 'ssh') return socket === undefined ? [] : (mountOn(content, socket) ?? []);
    const words = mount.type === 'secret' ? `secret ${mount.id}` : `copy of ${mount.source}`;
    return work === undefined ? [] : (mountOn(content, `<${words}>`) ?? []);
  });
}

/** The folder of a cache; created if it is missing, and kept. */
async function cacheFolder(
  mount: RunMount & { type: 'cache' },
  work: FilesWork | undefined,
  maps: IdMaps,
  workspace: Workspace,
): Promise<string> {
  const key = cacheKey(mount, maps);
  const folder = join(cacheMountsFolder(), key);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (isPlain(mount.initial)) {
    const root = foreignRoot(maps);
    if (root !== undefined) chownSync(folder, root.uid, root.gid);
    return folder;
  }
  return await withLock(`new-cache-${key}`, async () => {
    const known = join(folder, 'upper', CONTENT_PATH);
    const isMade = existsSync(join(folder, 'made'));
    if (isMade) return known;
    removeTreesOfAnyOwner([folder], maps); // an incomplete one
    await fill(folder, work ?? directoryWork(CONTENT_PATH, mount.initial), maps, workspace);
    mkdirSync(join(folder, 'made'));
    return known;
  });
}

/** Fills a new folder. Returns the path of the content. */
async function fill(folder: string, work: FilesWork, maps: IdMaps, workspace: Workspace): Promise<string> {
  for (const name of ['upper', 'spare']) mkdirSync(join(folder, name), { recursive: true, mode: 0o755 });
  const output = openSync('/dev/null', 'w');
  try {
    const { changes, inputs } = work;
    const rest = { layers: [], mountPoints: [], timestamp: undefined, isPacked: false };
    const order = { driver: await storageDriver(maps), folder, changes, ...rest };
    const program = startLayerProgram(order, maps, inputs, output);
    workspace.onInterrupt(program.kill);
    await program.report;
  } finally {
    closeSync(output);
  }
  return join(folder, 'upper', CONTENT_PATH);
}
