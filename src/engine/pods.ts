import type { Container } from '../container/store.js';
import type { Pod } from '../pod/store.js';
import type { PodRequest } from '../spec/parse/pod-request.js';
import { FosterError } from '../sys/errors.js';
import type { PodInfo, ProcessList } from './types.js';
import type { PodOrder, PodRow } from './views/pod.js';

/**
 * Operations on pods. A reference is a name, an id or an unambiguous prefix of an id. Functions that do the same with all containers of
 * a pod return why it failed for some of them.
 */

/**
 * Creates a pod, without starting anything.
 * @returns its id
 * @throws FosterError of the kind `conflict` if the name is in use
 */
export async function create(request: PodRequest): Promise<string> {
  const { createPod } = await import('../pod/create.js');
  return (await createPod(request)).id;
}

/** Starts the containers of a pod that do not run. @throws FosterError if an init container fails */
export async function start(reference: string): Promise<unknown[]> {
  const { startPod } = await import('../pod/start.js');
  return await startPod(reference);
}

/** Goes on with Jobs whose monitors were killed. What cannot be started is a warning. */
export async function resumeJobs(): Promise<void> {
  const { resumeJobs } = await import('../pod/resume-jobs.js');
  await resumeJobs();
}

/** Stops a pod. @param options.timeout seconds until SIGKILL; negative: none; undefined: that of each container */
export async function stop(
  reference: string,
  options: { timeout?: number | undefined } = {},
): Promise<unknown[]> {
  return await (await import('../pod/stop.js')).stopPod(reference, options);
}

/**
 * Stops a pod with the exit policy `stop`, if none of its containers runs any more, and starts the one that comes next.
 * @param ended the id of one that does not run
 */
export async function stopIfDone(reference: string, ended: string): Promise<void> {
  const next = await (await import('../pod/stop.js')).stopIfDone(reference, ended);
  if (next === undefined) return;
  const { startPod } = await import('../pod/start.js');
  await startPod(next, { isFirst: true });
}

/** Stops a pod, and starts it again. @throws FosterError if an init container fails */
export async function restart(reference: string): Promise<unknown[]> {
  const { findPodRecord } = await import('../pod/store.js');
  const { recordPodEvent } = await import('../container/events/recorder.js');
  const record = findPodRecord(reference);
  const { stopPod } = await import('../pod/stop.js');
  const failures = [...(await stopPod(record.id, { isRestart: true })), ...(await start(record.id))];
  recordPodEvent('restart', record);
  return failures;
}

/** Sends a signal to the containers of a pod. @throws FosterError for a signal that does not exist */
export async function kill(reference: string, signal: string | number = 'SIGKILL'): Promise<unknown[]> {
  return await (await import('../pod/stop.js')).killPod(reference, signal);
}

/** Freezes all processes of a pod. */
export async function pause(reference: string): Promise<unknown[]> {
  return await (await import('../pod/stop.js')).pausePod(reference);
}

/** Resumes all processes of a pod. */
export async function unpause(reference: string): Promise<unknown[]> {
  return await (await import('../pod/stop.js')).unpausePod(reference);
}

/**
 * Removes a pod with its containers.
 * @param options.force stops them first, and kills them after `timeout` seconds
 * @throws FosterError of the kind `conflict` if a container runs, `not-found` if there is no such pod
 */
export async function remove(
  reference: string,
  options: { force?: boolean | undefined; timeout?: number | undefined } = {},
): Promise<void> {
  await (await import('../pod/remove.js')).removePod(reference, options);
}

/** Removes all pods whose containers have ended. */
export async function prune(): Promise<{ removed: string[]; failures: unknown[] }> {
  return await (await import('../pod/remove.js')).prunePods();
}

/** Whether there is such a pod. @throws FosterError if the reference is a prefix of several ids */
export async function exists(reference: string): Promise<boolean> {
  const { findPodRecord } = await import('../pod/store.js');
  try {
    findPodRecord(reference);
    return true;
  } catch (error) {
    if (error instanceof FosterError && error.kind === 'not-found') return false;
    throw error;
  }
}

export interface PodListRequest {
  /** `KEY=VALUE` each: views/pod.ts. */
  filters?: readonly string[] | undefined;
  /** Only the one that was created last. */
  latest?: boolean | undefined;
  sort?: PodOrder | undefined;
}

/** Pods as Podman lists them, the newest first. @throws FosterError for a filter that does not exist */
export async function rows({ filters = [], latest, sort }: PodListRequest = {}): Promise<PodRow[]> {
  const { inOrder, podMatcher, podRow } = await import('./views/pod.js');
  const matches = podMatcher(filters);
  const now = Date.now();
  const pods = await seen();
  const chosen = latest ? pods.slice(0, 1) : pods.filter(matches);
  return inOrder(
    chosen.map((pod) => podRow(pod, now)),
    sort,
  );
}

/** What a command does with all pods. */
export type PodSuits = 'any' | 'alive' | 'not running';

/** Ids of pods, the newest first. @throws FosterError if `latest` is wanted and there are none */
export async function select(which: 'latest' | PodSuits): Promise<string[]> {
  const { listPods } = await import('../pod/store.js');
  const { isPodAlive, podState } = await import('../pod/state.js');
  const pods = listPods().toSorted((a, b) => Date.parse(b.record.created) - Date.parse(a.record.created));
  if (which === 'latest') {
    const [newest] = pods;
    if (newest === undefined) throw new FosterError('there are no pods', { kind: 'not-found', exitCode: 1 });
    return [newest.record.id];
  }
  const suits = (pod: (typeof pods)[number]) =>
    which === 'any' || (which === 'alive' ? isPodAlive(pod) : podState(pod) !== 'Running');
  return pods.filter(suits).map(({ record }) => record.id);
}

/** A pod as `podman pod inspect` shows it. @throws FosterError of the kind `not-found` */
export async function inspect(reference: string): Promise<Record<string, unknown>> {
  const { findPod } = await import('../pod/store.js');
  const { podInspection } = await import('./views/pod-inspection.js');
  return podInspection(findPod(reference));
}

/** All pods, the newest first. */
export async function list(): Promise<PodInfo[]> {
  const { podInfo } = await import('./views/pod-info.js');
  return (await seen()).map(podInfo);
}

/** All pods, the newest first. Whoever looks at a Job whose monitor was killed goes on with it. */
async function seen(): Promise<Pod[]> {
  const { listPods } = await import('../pod/store.js');
  let pods = listPods();
  if (pods.some(({ record }) => record.job !== undefined)) {
    await resumeJobs();
    pods = listPods();
  }
  return pods.toSorted((a, b) => Date.parse(b.record.created) - Date.parse(a.record.created));
}

/** A description of a pod. @throws FosterError of the kind `not-found` */
export async function info(reference: string): Promise<PodInfo> {
  const { findPod } = await import('../pod/store.js');
  const { podInfo } = await import('./views/pod-info.js');
  return podInfo(findPod(reference));
}

/** The names of all pods. */
export async function names(): Promise<string[]> {
  const { readPodRecord, storedPods } = await import('../pod/store.js');
  return storedPods().flatMap((id) => readPodRecord(id)?.name ?? []);
}

/** The containers of pods, the one that holds the namespaces left out. @throws FosterError */
export async function containers(references: readonly string[]): Promise<{ id: string; name: string }[]> {
  const { findPod, withoutInfra } = await import('../pod/store.js');
  return references.flatMap((reference) =>
    withoutInfra(findPod(reference)).map(({ record: { id, name } }) => ({ id, name })),
  );
}

/** The ids of all containers of pods, that run. @throws FosterError */
export async function running(references: readonly string[]): Promise<string[]> {
  const { findPod } = await import('../pod/store.js');
  const isActive = ({ state }: Container) => state.status === 'running' || state.status === 'paused';
  return references.flatMap((reference) =>
    findPod(reference)
      .containers.filter(isActive)
      .map(({ record }) => record.id),
  );
}

/** Columns of `top`: PIDs as the pod sees them. */
const COLUMNS = 'user,nspid=PID,nsppid=PPID,pcpu,etime,tty,time,args';

/** In Podman, these are the PIDs inside, and `hpid` is the one on the host. */
const INSIDE: Readonly<Record<string, string>> = { pid: 'nspid=PID', ppid: 'nsppid=PPID' };

/**
 * The processes of a pod, and the container of each.
 * @param columns names of columns of ps(1); none for the usual ones
 * @throws FosterError if nothing of it runs, or for a column that does not exist
 */
export async function processes(reference: string, columns: readonly string[] = []): Promise<ProcessList> {
  const { findPod } = await import('../pod/store.js');
  const { parseColumns, processRows } = await import('../container/processes/columns.js');
  const { record, containers: all } = findPod(reference);
  const named = columns.map((name) => INSIDE[name.toLowerCase()] ?? name);
  const chosen = parseColumns(columns.length > 0 ? named.join(',') : COLUMNS);
  const active = all.filter(({ state }) => state.status === 'running' || state.status === 'paused');
  if (active.length === 0)
    throw new FosterError(`pod ${record.name} is not running`, {
      kind: 'conflict',
      advice: `first: foster pod start ${record.name}`,
      exitCode: 1,
    });
  const tables = active.map((container) => ({ container, rows: processRows(container, chosen) }));
  return {
    titles: ['CONTAINER', ...(tables[0]?.rows[0] ?? [])],
    processes: tables.flatMap(({ container, rows: [, ...lines] }) =>
      lines.map((line) => [container.record.name, ...line]),
    ),
  };
}
