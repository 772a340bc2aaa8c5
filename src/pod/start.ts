import { recordPodEvent } from '../container/events/recorder.js';
import { recordJson } from '../container/record.js';
import { removeContainer } from '../container/remove.js';
import { startContainer } from '../container/start.js';
import { type Container, isAlive, readContainer, readHealth } from '../container/store.js';
import { waitForContainer } from '../container/wait.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { waitFor } from '../sys/poll.js';
import { unseen, unseenAsync } from '../sys/sightings.js';
import { surroundings } from '../sys/surroundings.js';
import { ensureInfra } from './create.js';
import { holdStart } from './job.js';
import type { PodRecord } from './record.js';
import { isInit, isSidecar, podState } from './state.js';
import { findPod, infraOf, type Pod, withoutInfra } from './store.js';

/**
 * Starts all containers of a pod that do not run: the one that holds the namespaces first, then the init containers and sidecars one
 * after the other, then the others.
 * @param options.isFirst do nothing if it was started before
 * @returns why containers could not be started
 * @throws FosterError if the namespaces cannot be made, or an init container fails; then the others are not started
 */
export async function startPod(
  reference: string,
  { isFirst = false }: { isFirst?: boolean } = {},
): Promise<unknown[]> {
  const { record } = findPod(reference);
  const giveBack = holdStart(record);
  // another command is at it
  if (giveBack === undefined) return [];
  try {
    if (isFirst && podState(findPod(record.id)) !== 'Created') return [];
    return await startNow(record);
  } finally {
    giveBack();
  }
}

async function startNow(record: PodRecord): Promise<unknown[]> {
  await ensureInfra(record);
  const pod = findPod(record.id);
  const infra = infraOf(pod);
  if (infra !== undefined && !isAlive(infra.state)) {
    for (const container of withoutInfra(pod)) await untilEnded(container);
    await startContainer(infra);
  }
  faultPoint('infra container started');
  // what runs in it is nothing that the plan of a container depends on
  const others = withoutInfra(unseen(() => findPod(record.id)));
  for (const container of others) {
    if (isInit(container.record)) await runInit(pod, container);
    else if (isSidecar(container.record)) await startSidecar(pod, container);
  }
  const rest = others.filter(({ record, state }) => record.initContainer === undefined && !isAlive(state));
  const outcomes = await startAll(rest);
  recordPodEvent('start', record);
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
}

/**
 * At once, but for those that are watched for a template: src/sys/sightings.ts does not tell several apart. One of those that are alike is
 * enough.
 */
async function startAll(containers: readonly Container[]): Promise<PromiseSettledResult<void>[]> {
  const atOnce = (some: readonly Container[]) =>
    Promise.allSettled(some.map((container) => startContainer(container)));
  if (!surroundings().wantsStartTemplate) return await atOnce(containers);
  const kinds = new Map(containers.map((one) => [likeness(one), one]));
  const watched = [...kinds.values()];
  const outcomes = [];
  for (const one of watched) outcomes.push(...(await atOnce([one])));
  const others = containers.filter((one) => !watched.includes(one));
  return [...outcomes, ...(await unseenAsync(() => atOnce(others)))];
}

/** The record without what differs between containers that were made in the same way. */
function likeness({ record }: Container): string {
  return recordJson({ ...record, name: '', created: '' }).replaceAll(record.id, '');
}

/** Milliseconds. */
const END_TIMEOUT = 10_000;

/** Waits until a container, whose namespaces are about to be made anew, does not run: it ends with those that it has. */
async function untilEnded({ record, state }: Container): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT;
  const isSame = (now: Container | undefined) =>
    now?.state.status === 'running' && now.state.pid === state.pid && state.pid !== 0;
  while (isSame(readContainer(record.id)) && performance.now() < deadline) await waitFor(5);
}

/** Starts a sidecar, and waits until its startup probe succeeds if it has one. @throws FosterError if that fails */
async function startSidecar({ record: { name } }: Pod, container: Container): Promise<void> {
  const { record } = container;
  if (!isAlive(container.state)) await startContainer(container);
  const checks = record.health === undefined ? [] : [record.health, ...(record.probes ?? [])];
  if (!checks.some(({ role }) => role === 'startup')) return;
  for (;;) {
    const current = readContainer(record.id);
    const health = readHealth(record.id);
    if (health?.isStarted) return;
    if (current === undefined || !isAlive(current.state) || (health?.ends ?? 0) > 0)
      throw new FosterError(`cannot start pod ${name}: the startup probe of ${record.name} has failed`, {
        kind: 'conflict',
        advice: `see why: foster logs ${record.name}`,
        exitCode: 1,
      });
    await waitFor(HEALTH_INTERVAL);
  }
}

/** Milliseconds between two looks at the health of a sidecar. */
const HEALTH_INTERVAL = 20;

/** Runs an init container to its end. @throws FosterError if it fails */
async function runInit({ record: { name } }: Pod, container: Container): Promise<void> {
  const { record } = container;
  if (!isAlive(container.state)) await startContainer(container);
  const current = readContainer(record.id);
  const code = current === undefined ? 0 : await waitForContainer(current);
  if (code !== 0)
    throw new FosterError(
      `cannot start pod ${name}: its init container ${record.name} has failed with exit code ${code}`,
      { kind: 'conflict', advice: `see why: foster logs ${record.name}`, exitCode: 1 },
    );
  if (record.initContainer === 'once') await removeContainer(record.id, { force: true, volumes: true });
}
