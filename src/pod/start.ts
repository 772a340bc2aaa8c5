import { recordPodEvent } from '../container/events/recorder.js';
import { removeContainer } from '../container/remove.js';
import { startContainer } from '../container/start.js';
import { type Container, isAlive, readContainer } from '../container/store.js';
import { waitForContainer } from '../container/wait.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { waitFor } from '../sys/poll.js';
import { ensureInfra } from './create.js';
import { findPod, infraOf, type Pod, withoutInfra } from './store.js';

/**
 * Starts all containers of a pod that do not run: the one that holds the namespaces first, then the init containers one after the
 * other, then the others.
 * @param started is called with each container that was started
 * @returns why containers could not be started
 * @throws FosterError if the namespaces cannot be made, or an init container fails; then the others are not started
 */
export async function startPod(
  reference: string,
  started: (container: Container) => void = () => {},
): Promise<unknown[]> {
  const { record } = findPod(reference);
  await ensureInfra(record);
  const pod = findPod(record.id);
  const start = async (container: Container) => {
    await startContainer(container);
    started(container);
  };
  const infra = infraOf(pod);
  if (infra !== undefined && !isAlive(infra.state)) {
    for (const container of withoutInfra(pod)) await untilEnded(container);
    await start(infra);
  }
  faultPoint('infra container started');
  const others = withoutInfra(findPod(record.id));
  for (const container of others.filter(isInit)) await runInit(pod, container, start);
  const rest = others.filter((container) => !isInit(container) && !isAlive(container.state));
  const outcomes = await Promise.allSettled(rest.map(start));
  recordPodEvent('start', record);
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
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

function isInit({ record }: Container): boolean {
  return record.initContainer !== undefined;
}

/** Runs an init container to its end. @throws FosterError if it fails */
async function runInit(
  { record: { name } }: Pod,
  container: Container,
  start: (container: Container) => Promise<void>,
): Promise<void> {
  const { record } = container;
  if (!isAlive(container.state)) await start(container);
  const current = readContainer(record.id);
  const code = current === undefined ? 0 : await waitForContainer(current);
  if (code !== 0)
    throw new FosterError(
      `cannot start pod ${name}: its init container ${record.name} has failed with exit code ${code}`,
      { kind: 'conflict', advice: `see why: foster logs ${record.name}`, exitCode: 1 },
    );
  if (record.initContainer === 'once') await removeContainer(record.id, { force: true, volumes: true });
}
