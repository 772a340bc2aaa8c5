import type { Container } from '../container/store.js';
import type { Update } from '../container/update.js';
import type { RunRequest } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { inPod } from './in-pod.js';
import { byAge } from './selection.js';
import type { ContainerInfo, StopOptions } from './types.js';
import type { ContainerOrder, ContainerRow } from './views/container-row.js';

/**
 * Operations on containers. A reference is a name, an id or an unambiguous prefix of an id. Each function imports what
 * it needs when it is called, so that a command loads only its own code.
 */

async function find(reference: string) {
  const { findContainer } = await import('../container/store.js');
  return findContainer(reference);
}

/**
 * Creates a container without starting it.
 * @returns its id
 * @throws FosterError of the kind `conflict` if the name is in use
 */
export async function create(wanted: RunRequest): Promise<string> {
  const { draftRequest } = await import('../container/draft-request.js');
  const { makeRoom } = await import('../container/create-held.js');
  const { createOnly } = await import('../container/start.js');
  return await inPod(wanted, async (request) => {
    const draft = await draftRequest(request);
    await makeRoom(request);
    return await createOnly(request, draft);
  });
}

/** Starts a container in the background. Does nothing if it is running already. @throws FosterError */
export async function start(reference: string): Promise<void> {
  const { startContainer } = await import('../container/start.js');
  await startContainer(await find(reference));
}

/** Stops a container: with its stop signal, then with SIGKILL if it takes too long. @throws FosterError */
export async function stop(reference: string, options: StopOptions = {}): Promise<void> {
  await end(reference, options);
}

async function end(
  reference: string,
  { timeout, stopSignal }: StopOptions,
  { isRestart }: { isRestart?: true } = {},
): Promise<void> {
  const { stopContainer } = await import('../container/stop.js');
  const { parseSignal } = await import('../spec/parse/signals.js');
  const signal = stopSignal === undefined ? undefined : parseSignal('stopSignal', String(stopSignal));
  await stopContainer(await find(reference), { timeout, signal, ...(isRestart && { isRestart }) });
}

/** Stops a container, as `stop` does, and starts it again, also one with `--rm`. @throws FosterError */
export async function restart(reference: string, options: StopOptions = {}): Promise<void> {
  const { record } = await find(reference);
  await end(record.id, options, { isRestart: true });
  await start(record.id);
  const { attributesOf, recordEvent } = await import('../container/events/recorder.js');
  recordEvent('restart', record, attributesOf(record));
}

/** Sends a signal; SIGKILL returns when the container has ended. @throws FosterError if it is not running */
export async function kill(reference: string, signal: string | number = 'SIGKILL'): Promise<void> {
  const { killContainer } = await import('../container/kill.js');
  const { parseSignal } = await import('../spec/parse/signals.js');
  await killContainer(await find(reference), parseSignal('signal', String(signal)));
}

/** Freezes all processes of a container. @throws FosterError if it is not running */
export async function pause(reference: string): Promise<void> {
  const { pauseContainer } = await import('../container/pause.js');
  await pauseContainer(await find(reference));
}

/** Resumes the processes of a paused container. @throws FosterError if it is not paused */
export async function unpause(reference: string): Promise<void> {
  const { unpauseContainer } = await import('../container/pause.js');
  await unpauseContainer(await find(reference));
}

/**
 * Removes a container and everything it has written, even if its record is damaged.
 * @param options.force kills the container first if it is running
 * @param options.timeout with `force`: stops it first, and kills it after this many seconds; negative: never
 * @param options.volumes also removes its anonymous volumes that no other container uses
 * @throws FosterError of the kind `conflict` if it is running, `not-found` if there is no such container
 */
export async function remove(
  reference: string,
  {
    force = false,
    timeout,
    volumes = false,
  }: { force?: boolean | undefined; timeout?: number | undefined; volumes?: boolean | undefined } = {},
): Promise<void> {
  const { findContainer, findId, isStored, readContainer } = await import('../container/store.js');
  const { removeContainer } = await import('../container/remove.js');
  const found = findId(reference);
  const id = found !== undefined && isStored(found) ? found : findContainer(reference).record.id;
  await checkInfra(id);
  if (force && timeout !== undefined && readContainer(id) !== undefined) await stop(id, { timeout });
  await removeContainer(id, { force, volumes });
}

/** @throws FosterError if it holds the namespaces of a pod */
async function checkInfra(id: string): Promise<void> {
  const { readContainer } = await import('../container/store.js');
  const { isInfra, pod, name } = readContainer(id)?.record ?? {};
  if (!isInfra || pod === undefined) return;
  const { podName } = await import('../pod/store.js');
  const owner = podName(pod);
  if (owner === undefined) return;
  throw new FosterError(`cannot remove container ${name}: it holds the namespaces of pod ${owner}`, {
    kind: 'conflict',
    advice: `remove the pod: foster pod rm ${owner}`,
    exitCode: 1,
  });
}

/** The ids of containers, each preceded by those of the containers that share its namespaces. @throws FosterError */
export async function withDependents(references: readonly string[]): Promise<string[]> {
  const { listContainers } = await import('../container/store.js');
  const { sharesOf } = await import('../container/record.js');
  const all = listContainers();
  const dependents = (id: string): string[] =>
    all
      .filter(({ record }) => sharesOf(record)?.of === id)
      .flatMap(({ record }) => [...dependents(record.id), record.id]);
  const ids = await Promise.all(references.map(async (reference) => (await find(reference)).record.id));
  return [...new Set(ids.flatMap((id) => [...dependents(id), id]))];
}

/** Gives a container another name. @throws FosterError of the kind `conflict` if the name is in use */
export async function rename(reference: string, name: string): Promise<void> {
  const { renameContainer } = await import('../container/rename.js');
  renameContainer(await find(reference), name);
}

/** Changes options of a container, which may be running. @throws FosterError */
export async function update(reference: string, changes: Update): Promise<void> {
  const { updateContainer } = await import('../container/update.js');
  await updateContainer(await find(reference), changes);
}

/** Waits until a container has ended for good, through all restarts. @returns its exit code */
export async function wait(reference: string): Promise<number> {
  const { findContainer } = await import('../container/store.js');
  const { waitForContainer } = await import('../container/wait.js');
  return await waitForContainer(findContainer(reference));
}

/** @throws FosterError for a status that neither Docker nor Podman knows */
export async function checkStatuses(statuses: readonly string[]): Promise<void> {
  const { hasStatus } = await import('./views/container-filter.js');
  for (const status of statuses) hasStatus('--condition', status);
}

/**
 * Waits until a container has one of these statuses.
 * @param statuses Docker's words or Podman's: `running`, `stopped` ...
 * @param interval between two checks, in milliseconds
 * @returns its exit code; undefined if it has none
 * @throws FosterError if there is no such status, or the container is removed
 */
export async function waitForStatus(
  reference: string,
  statuses: readonly string[],
  interval = 250,
): Promise<number | undefined> {
  const { waitFor } = await import('../sys/poll.js');
  const { hasStatus } = await import('./views/container-filter.js');
  const conditions = statuses.map((status) => hasStatus('--condition', status));
  const { id } = (await find(reference)).record;
  for (;;) {
    const container = await find(id);
    if (conditions.some((isMet) => isMet(container))) return container.state.exitCode;
    await waitFor(interval);
  }
}

/** All containers, the newest first. */
export async function list(): Promise<ContainerInfo[]> {
  const { listContainers } = await import('../container/store.js');
  const { containerInfo } = await import('./views/container-info.js');
  return listContainers().toSorted(byAge).map(containerInfo);
}

/** The current state of a container. @throws FosterError of the kind `not-found` */
export async function info(reference: string): Promise<ContainerInfo> {
  const { containerInfo } = await import('./views/container-info.js');
  return containerInfo(await find(reference));
}

export interface ListRequest {
  /** Include containers that are not running. */
  all: boolean;
  /** `KEY=VALUE` each: views/container-filter.ts. */
  filters: readonly string[];
  /** Only this many containers, those created last, running or not. */
  last?: number | undefined;
  /** Determine their sizes, too. */
  size?: boolean | undefined;
  /** Determine the ids of their images, too. */
  images?: boolean | undefined;
  /** Determine their namespaces, too. */
  namespaces?: boolean | undefined;
  /** False: without their mounts and networks, for which their whole records have to be parsed. */
  isWhole?: boolean | undefined;
  /** Sort by this, in ascending order. By default the newest container comes first. */
  sort?: ContainerOrder | undefined;
}

/**
 * Containers as Docker lists them.
 * @returns the rows, and the ids of containers whose records cannot be read
 * @throws FosterError for a filter that does not exist
 */
export async function rows({
  all,
  filters,
  last,
  sort,
  size,
  images,
  namespaces,
  isWhole,
}: ListRequest): Promise<{ rows: ContainerRow[]; damaged: string[] }> {
  const { containerMatcher } = await import('./views/container-filter.js');
  const { containerRow, inOrder } = await import('./views/container-row.js');
  const { damagedIds, eachContainer, isAlive } = await import('../container/store.js');
  const sizeOf =
    size || sort === 'size' ? (await import('../container/disk-usage.js')).containerSize : undefined;
  const imageOf = images ? (await import('../image/store/images.js')).findImage : undefined;
  const matches = await containerMatcher([...filters]);
  const { podName: nameOfPod } = await import('../pod/store.js');
  const now = Date.now();
  const rowOf = (container: Container) =>
    containerRow(container, now, {
      size: sizeOf?.(container.record),
      imageID: container.record.image && imageOf?.(container.record.image.digest)?.id,
      namespaces,
      isWhole,
      podName: container.record.pod && nameOfPod(container.record.pod),
    });
  const includesEnded = all || last !== undefined || matches.impliesAll;
  const rows: ContainerRow[] = [];
  const latest: Container[] = []; // their rows are made when it is known which they are
  const whole: string[] = [];
  for (const container of eachContainer(includesEnded ? undefined : isAlive)) {
    whole.push(container.record.id);
    if (!matches(container)) continue;
    if (last === undefined) rows.push(rowOf(container));
    else latest.push(container);
  }
  rows.push(...latest.toSorted(byAge).slice(0, last).map(rowOf));
  return { rows: inOrder(rows, sort), damaged: includesEnded ? damagedIds(whole) : [] };
}

/** Whether there is such a container. @throws FosterError if the reference is a prefix of several ids */
export async function exists(reference: string): Promise<boolean> {
  const { findId, readContainer } = await import('../container/store.js');
  const id = findId(reference);
  return id !== undefined && readContainer(id) !== undefined;
}

/**
 * Checks that a container can be started: its files, volumes, users and helper programs.
 * @throws FosterError of the kind `conflict` if it is running, else the error that the start would fail with
 */
export async function checkStart(reference: string): Promise<void> {
  const { planContainer } = await import('../container/plan.js');
  const { record } = await findEnded(reference, 'check');
  planContainer(record, { verbose: false, detached: true });
}

/**
 * Cleans up after a container that has ended: undoes `mount`, and removes what `also` says.
 * @throws FosterError of the kind `conflict` if it is running
 */
export async function cleanUp(
  reference: string,
  also: { container: boolean; image: boolean },
): Promise<void> {
  const { record } = await findEnded(reference, 'clean up');
  const { unmountIfMounted } = await import('../container/mount.js');
  unmountIfMounted(record);
  if (also.container) await remove(record.id);
  if (!also.image || record.image === undefined) return;
  const images = await import('./images.js');
  const { failures } = await images.remove([record.image.name]);
  if (failures.length > 0) throw failures[0];
}

async function findEnded(reference: string, verb: string) {
  const { isAlive } = await import('../container/store.js');
  const container = await find(reference);
  if (!isAlive(container.state)) return container;
  throw new FosterError(`cannot ${verb} container ${container.record.name}: it is running`, {
    kind: 'conflict',
    advice: `first: foster stop ${container.record.name}`,
    exitCode: 1,
  });
}

/**
 * A container as `docker inspect` shows it, with its OCI Spec.
 * @param options.size adds the size of what it has written, and of all its files, in bytes
 * @throws FosterError of the kind `not-found`
 */
export async function inspect(
  reference: string,
  { size = false }: { size?: boolean | undefined } = {},
): Promise<Record<string, unknown>> {
  const { inspection } = await import('./views/container-inspection.js');
  const container = await find(reference);
  if (!size) return inspection(container);
  const { containerSize } = await import('../container/disk-usage.js');
  const { written, total } = containerSize(container.record);
  return { ...inspection(container), SizeRw: written, SizeRootFs: total };
}

/**
 * The container with this reference, or else the image, network, volume or pod, as `docker inspect` shows it.
 * @throws FosterError of the kind `not-found`
 */
export async function inspectAny(
  reference: string,
  options: { size?: boolean | undefined } = {},
): Promise<Record<string, unknown>> {
  if (await exists(reference)) return await inspect(reference, options);
  const images = await import('./images.js');
  try {
    return await images.inspect(reference);
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    const networks = await import('./networks.js');
    if (await networks.exists(reference)) return await networks.inspect(reference);
    const volumes = await import('./volumes.js');
    if (await volumes.exists(reference)) return await volumes.inspect(reference);
    const pods = await import('./pods.js');
    if (await pods.exists(reference)) return await pods.inspect(reference);
    throw new FosterError(`no such container, image, network, volume or pod: ${reference}`, {
      kind: 'not-found',
      advice:
        "'foster ps -a', 'foster images', 'foster network ls', 'foster volume ls' and 'foster pod ps' list them",
      exitCode: 1,
      cause: error,
    });
  }
}

/** The result of a prune. */
export interface PrunedContainers {
  /** Bytes of disk space freed. */
  size: number;
  /** Ids of the containers that were removed. */
  removed: string[];
  /** Why other containers could not be removed. */
  failures: unknown[];
}

/**
 * Removes all containers that are not running, and the leftovers of interrupted commands.
 * @param filters removes only containers that match: `KEY=VALUE` each, views/container-filter.ts
 * @throws FosterError for a filter that does not exist
 */
export async function prune(filters: readonly string[] = []): Promise<PrunedContainers> {
  const { pruneContainers } = await import('../container/prune.js');
  const { containerMatcher } = await import('./views/container-filter.js');
  const matches = await containerMatcher([...filters]);
  const pruned = await pruneContainers(matches);
  (await import('../pod/remove.js')).sweepPods();
  return pruned;
}

export interface CommitRequest {
  /** For the history of the image. */
  message?: string | undefined;
  author?: string | undefined;
  /** Instructions of a Dockerfile. */
  changes?: readonly string[] | undefined;
  /** Name of the image. */
  name?: string | undefined;
  /** Its anonymous volumes become volumes of the image. */
  includesVolumes?: boolean | undefined;
  /** Pause the container while its files are read, if it is running. */
  pauses?: boolean | undefined;
  /** Make one layer with all files, instead of adding a layer to those of the container's image. */
  isSquashed?: boolean | undefined;
}

/** Creates an image from a container. @returns the image's id */
export async function commit(reference: string, request: CommitRequest = {}): Promise<string> {
  const { fullName } = await import('./images.js');
  const { commitContainer } = await import('../container/commit.js');
  const { collectOnFailure } = await import('../container/collect-garbage.js');
  const container = await find(reference);
  const { message, author, changes = [], includesVolumes = false, isSquashed = false } = request;
  const name = request.name === undefined ? undefined : await fullName(request.name);
  const options = { message, author, changes: [...changes], name, includesVolumes, isSquashed };
  const resume =
    request.pauses && container.state.status === 'running' ? await pauseFor(container.record.id) : () => {};
  try {
    return await collectOnFailure(() => commitContainer(container, options));
  } finally {
    await resume();
  }
}

/** Pauses a container until the returned function is called or the command is interrupted. */
async function pauseFor(id: string): Promise<() => Promise<void>> {
  const { onInterrupt } = await import('../worker/interrupt.js');
  const { readContainer } = await import('../container/store.js');
  await pause(id);
  const resume = async () => {
    // meanwhile another command may have resumed it, or it may have ended
    if (readContainer(id)?.state.status === 'paused') await unpause(id);
  };
  const takeBack = onInterrupt(resume);
  return async () => {
    takeBack();
    await resume();
  };
}

/**
 * Writes the files of a container, without its volumes, as a tar archive.
 * @param output a path; undefined for standard output, which only commands may use
 */
export async function exportFiles(reference: string, output: string | undefined): Promise<void> {
  const { exportContainer } = await import('../container/tree.js');
  await exportContainer(await find(reference), output);
}

/** What a container has changed in its root filesystem: `A /path`, `C /path` or `D /path` each. */
export async function changes(reference: string): Promise<string[]> {
  const { containerChanges } = await import('../container/tree.js');
  return await containerChanges(await find(reference));
}

/** Mounts the files of a container, read-only; works only in `foster unshare`. @returns the mount point */
export async function mount(reference: string): Promise<string> {
  const { mountContainer } = await import('../container/mount.js');
  return mountContainer(await find(reference));
}

/** The mounted containers and their mount points; works only in `foster unshare`. */
export async function mounted(): Promise<{ id: string; name: string; path: string }[]> {
  const { mountedContainers } = await import('../container/mount.js');
  return mountedContainers();
}

/** Undoes `mount`. */
export async function unmount(reference: string): Promise<void> {
  const { unmountContainer } = await import('../container/mount.js');
  unmountContainer(await find(reference));
}

/** Whether an error says that there is no such container or image. */
export function isNotFound(error: unknown): boolean {
  return error instanceof FosterError && error.kind === 'not-found';
}

export type { Update };
