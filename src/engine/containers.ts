import type { Update } from '../container/update.js';
import type { RunRequest } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import type { ContainerInfo, StopOptions } from './types.js';
import type { ContainerRow } from './views/container-row.js';

/**
 * What is done with containers. A reference is a name, an id or an unambiguous start of an id. Each function loads what
 * it needs when it is called: a command should not wait for the code of the others.
 */

async function find(reference: string) {
  const { findContainer } = await import('../container/store.js');
  return findContainer(reference);
}

/**
 * Creates a container without starting it.
 * @returns its id
 * @throws FosterError of the kind `conflict` where the name is in use
 */
export async function create(request: RunRequest): Promise<string> {
  const { draftRequest } = await import('../container/draft-request.js');
  const { makeRoom } = await import('../container/create-held.js');
  const { createOnly } = await import('../container/start.js');
  const draft = await draftRequest(request);
  await makeRoom(request);
  return await createOnly(request, draft);
}

/** Starts a container in the background; one that is running is left as it is. @throws FosterError */
export async function start(reference: string): Promise<void> {
  const { startContainer } = await import('../container/start.js');
  const { readLive } = await import('../container/store.js');
  const { reapLater } = await import('./monitors.js');
  const container = await find(reference);
  try {
    await startContainer(container);
  } finally {
    reapLater(readLive(container.record.id)?.monitor ?? 0);
  }
}

/** Stops a container: with a signal, then with SIGKILL where it takes too long. @throws FosterError */
export async function stop(reference: string, options: StopOptions = {}): Promise<void> {
  const { timeout, stopSignal } = options;
  const { stopContainer } = await import('../container/stop.js');
  const { parseSignal } = await import('../spec/parse/signals.js');
  const signal = stopSignal === undefined ? undefined : parseSignal('stopSignal', String(stopSignal));
  await stopContainer(await find(reference), { timeout, signal });
}

/** Stops a container, as `stop` does, and starts it again. @throws FosterError */
export async function restart(reference: string, options: StopOptions = {}): Promise<void> {
  const { record } = await find(reference);
  await stop(record.id, options);
  await start(record.id);
  const { attributesOf, recordEvent } = await import('../container/events/recorder.js');
  recordEvent('restart', record, attributesOf(record));
}

/** Sends a signal; SIGKILL returns when the container has ended. @throws FosterError where it is not running */
export async function kill(reference: string, signal: string | number = 'SIGKILL'): Promise<void> {
  const { killContainer } = await import('../container/kill.js');
  const { parseSignal } = await import('../spec/parse/signals.js');
  await killContainer(await find(reference), parseSignal('signal', String(signal)));
}

/** Freezes all processes of a container. @throws FosterError where it is not running */
export async function pause(reference: string): Promise<void> {
  const { pauseContainer } = await import('../container/pause.js');
  await pauseContainer(await find(reference));
}

/** Resumes the processes of a paused container. @throws FosterError where it is not paused */
export async function unpause(reference: string): Promise<void> {
  const { unpauseContainer } = await import('../container/pause.js');
  await unpauseContainer(await find(reference));
}

/**
 * Removes a container and all that it has written, also one whose record is damaged.
 * @param options.force also one that is running, which is killed
 * @throws FosterError of the kind `conflict` where it is running, `not-found` where there is none
 */
export async function remove(
  reference: string,
  options: { force?: boolean | undefined } = {},
): Promise<void> {
  const { findContainer, findId, storedIds } = await import('../container/store.js');
  const { removeContainer } = await import('../container/remove.js');
  const id = findId(reference);
  const isStored = id !== undefined && storedIds().includes(id);
  await removeContainer(isStored ? id : findContainer(reference).record.id, {
    force: options.force ?? false,
  });
}

/** Gives a container another name. @throws FosterError of the kind `conflict` where it is in use */
export async function rename(reference: string, name: string): Promise<void> {
  const { renameContainer } = await import('../container/rename.js');
  renameContainer(await find(reference), name);
}

/** Changes options of a container, also while it is running. @throws FosterError */
export async function update(reference: string, changes: Update): Promise<void> {
  const { updateContainer } = await import('../container/update.js');
  updateContainer(await find(reference), changes);
}

/** Waits until a container has ended for good, through all restarts. @returns its exit code */
export async function wait(reference: string): Promise<number> {
  const { findContainer } = await import('../container/store.js');
  const { waitForContainer } = await import('../container/wait.js');
  return await waitForContainer(findContainer(reference));
}

/** All containers, the newest first. */
export async function list(): Promise<ContainerInfo[]> {
  const { listContainers } = await import('../container/store.js');
  const { containerInfo } = await import('./views/container-info.js');
  return listContainers()
    .map(containerInfo)
    .toSorted((a, b) => b.created.getTime() - a.created.getTime());
}

/** A container as it is now. @throws FosterError of the kind `not-found` */
export async function info(reference: string): Promise<ContainerInfo> {
  const { containerInfo } = await import('./views/container-info.js');
  return containerInfo(await find(reference));
}

export interface ListRequest {
  /** Include those that are not running. */
  all: boolean;
  /** `KEY=VALUE` each: views/container-filter.ts. */
  filters: readonly string[];
}

/**
 * Containers as Docker lists them, the newest first.
 * @returns the rows, and the ids of containers whose records cannot be read
 * @throws FosterError for a filter that does not exist
 */
export async function rows({
  all,
  filters,
}: ListRequest): Promise<{ rows: ContainerRow[]; damaged: string[] }> {
  const { containerMatcher } = await import('./views/container-filter.js');
  const { containerRow } = await import('./views/container-row.js');
  const { damagedIds, listContainers } = await import('../container/store.js');
  const matches = await containerMatcher([...filters]);
  const containers = listContainers();
  const now = Date.now();
  return {
    rows: containers
      .filter((container) => matches(container, all))
      .toSorted((a, b) => Date.parse(b.record.created) - Date.parse(a.record.created))
      .map((container) => containerRow(container, now)),
    damaged: damagedIds(containers),
  };
}

/** A container as `docker inspect` shows it, with its OCI Spec. @throws FosterError of the kind `not-found` */
export async function inspect(reference: string): Promise<Record<string, unknown>> {
  const { inspection } = await import('./views/container-inspection.js');
  return inspection(await find(reference));
}

/** What a prune has done. */
export interface PrunedContainers {
  /** Ids of the containers that were removed. */
  removed: string[];
  /** Why others could not be. */
  failures: unknown[];
}

/** Removes all containers that are not running, and what interrupted commands have left. */
export async function prune(): Promise<PrunedContainers> {
  const { pruneContainers } = await import('../container/prune.js');
  return await pruneContainers();
}

export interface CommitRequest {
  /** For the history of the image. */
  message?: string | undefined;
  author?: string | undefined;
  /** Instructions of a Dockerfile. */
  changes?: readonly string[] | undefined;
  /** Name of the image. */
  name?: string | undefined;
}

/** Creates an image from a container. @returns the image's id */
export async function commit(reference: string, request: CommitRequest = {}): Promise<string> {
  const { fullName } = await import('./images.js');
  const { commitContainer } = await import('../container/commit.js');
  const { collectOnFailure } = await import('../container/image-use.js');
  const container = await find(reference);
  const { message, author, changes = [] } = request;
  const name = request.name === undefined ? undefined : await fullName(request.name);
  return await collectOnFailure(() =>
    commitContainer(container, { message, author, changes: [...changes], name }),
  );
}

/**
 * Writes the files of a container, without its volumes, as a tar archive.
 * @param output a path; undefined for standard output, which only a command has
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

/** Mounts the files of a container, read-only; in `foster unshare` only. @returns where */
export async function mount(reference: string): Promise<string> {
  const { mountContainer } = await import('../container/mount.js');
  return mountContainer(await find(reference));
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
