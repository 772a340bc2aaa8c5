import { FosterError } from '../sys/errors.js';
import type { VolumeInfo } from './types.js';
import type { VolumeRow } from './views/volume.js';

/**
 * Operations on volumes. A reference is a name, or an unambiguous prefix of an anonymous volume's name. Each function
 * imports what it needs when it is called.
 */

export interface VolumeRequest {
  /** undefined for an anonymous volume. */
  name?: string | undefined;
  driver?: string | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  /** Options of the driver `local`: `type`, `device`, `o`. */
  options?: Readonly<Record<string, string>> | undefined;
  /** It is not a failure if the volume exists already. */
  ignore?: boolean | undefined;
}

/** Milliseconds to wait for another command that is working on a volume to be removed. */
const PATIENCE = 10_000;

/**
 * Creates a volume.
 * @returns its name
 * @throws FosterError of the kind `conflict` if the name is in use
 */
export async function create(request: VolumeRequest): Promise<string> {
  const { driver = 'local', labels = {}, options = {}, ignore = false } = request;
  const { closeSync } = await import('node:fs');
  const { parseVolumeName, randomId } = await import('../spec/names.js');
  const { volumeKind } = await import('../spec/parse/volume-driver.js');
  const { createVolume } = await import('../volume/store.js');
  const { ANONYMOUS_LABEL } = await import('../volume/record.js');
  const { recordVolumeEvent } = await import('../container/events/recorder.js');
  if (driver !== 'local' && driver !== '') {
    throw new FosterError(
      `the volume driver ${driver} is not supported: volumes are folders on this machine`,
      {
        kind: 'unsupported',
        advice: 'leave out --driver',
      },
    );
  }
  volumeKind(options);
  const isAnonymous = request.name === undefined || request.name === '';
  const name = isAnonymous ? randomId() : parseVolumeName('volume', request.name ?? '', request.name ?? '');
  const lock = createVolume({
    name,
    labels: isAnonymous ? { [ANONYMOUS_LABEL]: '', ...labels } : { ...labels },
    options: { ...options },
    ...(isAnonymous && { isAnonymous }),
  });
  if (lock === undefined) {
    if (ignore) return name;
    throw new FosterError(`there is a volume ${name} already`, {
      kind: 'conflict',
      advice: 'choose another name, or use it: --ignore makes this no failure',
    });
  }
  closeSync(lock);
  recordVolumeEvent('create', name);
  return name;
}

/** Volumes as Docker lists them, sorted by name. @throws FosterError for a filter that does not exist */
export async function rows(
  filters: readonly string[] = [],
  { size = false }: { size?: boolean } = {},
): Promise<VolumeRow[]> {
  const { volumeMatcher, volumeRow } = await import('./views/volume.js');
  const { listVolumes } = await import('../volume/store.js');
  const { usedVolumes } = await import('../container/volume-users.js');
  const { volumeSize } = await import('../volume/remove.js');
  const matches = volumeMatcher(filters);
  const used = usedVolumes();
  return listVolumes()
    .filter(matches)
    .map((volume) =>
      volumeRow(volume, used.get(volume.name)?.length ?? 0, size ? volumeSize(volume.name) : undefined),
    );
}

/** All volumes, sorted by name. */
export async function list(): Promise<VolumeInfo[]> {
  const { listVolumes } = await import('../volume/store.js');
  const { volumeInfo } = await import('./views/volume-info.js');
  return listVolumes().map(volumeInfo);
}

/** A description of a volume. @throws FosterError of the kind `not-found` */
export async function info(reference: string): Promise<VolumeInfo> {
  const { findVolume } = await import('../volume/store.js');
  const { volumeInfo } = await import('./views/volume-info.js');
  return volumeInfo(findVolume(reference));
}

/** A volume as `docker volume inspect` shows it. @throws FosterError of the kind `not-found` */
export async function inspect(reference: string): Promise<Record<string, unknown>> {
  const { findVolume } = await import('../volume/store.js');
  const { volumeInspection } = await import('./views/volume.js');
  return volumeInspection(findVolume(reference));
}

/** Whether there is such a volume. */
export async function exists(reference: string): Promise<boolean> {
  const { readVolume } = await import('../volume/store.js');
  return readVolume(reference) !== undefined;
}

/** The names of all volumes. */
export async function names(): Promise<string[]> {
  const { listVolumes } = await import('../volume/store.js');
  return listVolumes().map(({ name }) => name);
}

/**
 * Removes a volume.
 * @returns its name
 * @throws FosterError of the kind `conflict` if a container uses it, `not-found` if there is no such volume
 */
export async function remove(reference: string): Promise<string> {
  const { findVolume, lockVolume, noSuchVolume } = await import('../volume/store.js');
  const { removeUnused } = await import('../container/volume-users.js');
  const { name } = findVolume(reference);
  const lock = await lockVolume(name, { patience: PATIENCE });
  if (lock === undefined) throw noSuchVolume(reference);
  removeUnused(name, lock);
  return name;
}

/** The result of a prune. */
export interface PrunedVolumes {
  /** Names. */
  removed: string[];
  /** Why other volumes could not be removed. */
  failures: unknown[];
  /** Bytes of disk space freed. */
  size: number;
}

/**
 * Removes anonymous volumes that no container uses, and the leftovers of interrupted commands.
 * @param options.all also removes named volumes
 * @param options.filters removes only volumes that match: `KEY=VALUE` each, views/volume.ts
 * @throws FosterError for a filter that does not exist
 */
export async function prune({
  all = false,
  filters = [],
}: {
  all?: boolean | undefined;
  filters?: readonly string[] | undefined;
} = {}): Promise<PrunedVolumes> {
  const { PRUNE_FILTERS, volumeMatcher } = await import('./views/volume.js');
  const { pruneUnused } = await import('./unused-volumes.js');
  const { parseBoolean } = await import('../spec/parse/flag.js');
  const [own, others] = [filters.filter(isAll), filters.filter((filter) => !isAll(filter))];
  const named = all || own.some((filter) => parseBoolean('--filter all', filter.slice('all='.length)));
  const matches = volumeMatcher(others, PRUNE_FILTERS);
  return pruneUnused((volume) => (named || volume.isAnonymous === true) && matches(volume));
}

function isAll(filter: string): boolean {
  return filter.startsWith('all=');
}

/** Writes the files of a volume as a tar archive. @param output a path; undefined for standard output */
export async function exportFiles(reference: string, output: string | undefined): Promise<void> {
  const { findVolume } = await import('../volume/store.js');
  const { exportVolume } = await import('../volume/archive.js');
  const volume = findVolume(reference);
  await refuseElsewhere(reference, 'export');
  await exportVolume(volume.name, output);
}

/** Unpacks a tar archive into a volume. @param input a path; undefined for standard input */
export async function importFiles(reference: string, input: string | undefined): Promise<void> {
  const { isEmptyVolume } = await import('../volume/store.js');
  const { importVolume } = await import('../volume/archive.js');
  const { usersOfVolume } = await import('../container/volume-users.js');
  await withFolder(reference, 'import', (name) =>
    importVolume(name, input, isEmptyVolume(name) && usersOfVolume(name).length === 0),
  );
}

/**
 * Gives all files of a volume to a group, which may read and write them: an `fsGroup` of Kubernetes.
 * @param options.ifOther leave it as it is if the volume itself is the group's already
 * @throws FosterError for a volume whose files are not in foster's data folder
 */
export async function share(
  reference: string,
  gid: number,
  { ifOther }: { ifOther: boolean },
): Promise<void> {
  const { shareFolder } = await import('../layers/tree-program.js');
  const { defaultIdMaps } = await import('../spec/choose-id-maps.js');
  const { throwIfSignaled } = await import('../launch/interrupt.js');
  const { volumeData, volumeFolder } = await import('../sys/paths.js');
  await withFolder(reference, 'share', async (name) => {
    const where = { folder: volumeFolder(name), maps: defaultIdMaps() };
    shareFolder(volumeData(name), gid, { ...where, ifOther, check: throwIfSignaled });
  });
}

/** Does something with the files of a volume, while we hold its lock. */
async function withFolder(
  reference: string,
  verb: string,
  act: (name: string) => Promise<void>,
): Promise<void> {
  const { closeSync } = await import('node:fs');
  const { findVolume, lockVolume, noSuchVolume } = await import('../volume/store.js');
  const { name } = findVolume(reference);
  await refuseElsewhere(reference, verb);
  const lock = await lockVolume(name, { patience: PATIENCE });
  if (lock === undefined) throw noSuchVolume(reference);
  try {
    await act(name);
  } finally {
    closeSync(lock);
  }
}

/** @throws FosterError for a volume whose files are not in foster's data folder */
async function refuseElsewhere(reference: string, verb: string): Promise<void> {
  const { findVolume } = await import('../volume/store.js');
  const { kindOfVolume } = await import('../volume/record.js');
  const volume = findVolume(reference);
  const what = kindOfVolume(volume);
  if (what.kind === 'folder') return;
  throw new FosterError(
    `cannot ${verb} volume ${volume.name}: its files are ${what.kind === 'tmpfs' ? 'in the memory of a container' : `in ${what.device}`}`,
    { kind: 'unsupported', advice: `use tar in a container with it`, exitCode: 1 },
  );
}
