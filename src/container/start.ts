import { closeSync, existsSync } from 'node:fs';
import { unlockStore } from '../image/store/lock.js';
import { reapLater } from '../init/children.js';
import { holdSignals } from '../init/clone.js';
import type { LaunchObserver } from '../launch/launch.js';
import type { RunRequest } from '../spec/request.js';
import { FosterError, isExecutionFailure } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { containerFolder } from '../sys/paths.js';
import { beginSightings, isSeeing, unseen } from '../sys/sightings.js';
import { surroundings } from '../sys/surroundings.js';
import { type AttachOptions, attachTo, type ConnectOptions, connectMonitor } from './attach.js';
import { announce, named, startAttached } from './attachment.js';
import { giveUp, launchDetached, monitorFor, startProgramAmongOthers, type Waiting } from './background.js';
import { cgroupPlan } from './cgroups.js';
import { dropIdFile, type HeldContainer } from './create.js';
import { createHeld, mayBeFilled } from './create-held.js';
import type { Draft } from './draft.js';
import { writePidFile } from './pid-file.js';
import { type ContainerPlan, planContainer } from './plan.js';
import type { ContainerRecord } from './record.js';
import { removeHeld, removeLock } from './remove.js';
import { printUnseen, type RunObserver } from './run-observer.js';
import { type Container, isAlive, lockContainer, readContainer } from './store.js';
import { underWay } from './under-way.js';

/** `foster run -d`. Without -d, for a container that may be restarted, it stays attached until that has ended for good. */
export async function runDetached(request: RunRequest, draft: Draft, observer: RunObserver): Promise<number> {
  await startInfra(draft);
  const { restart, attached, passSignals } = request;
  const isOwner = restart.policy === 'no' && draft.health === undefined && passSignals;
  const { record, client } = await startAttached(named(draft, request), async (network, onStart) => {
    const containerPlan = planContainer(
      draft,
      { verbose: false, detached: true, kept: request.keptDescriptors },
      network,
    );
    const launchObserver: LaunchObserver | undefined = request.explain
      ? (await import('./explain.js')).explainer(containerPlan.plan, observer.explain)
      : undefined;
    holdSignals();
    const { record, lock, filled } = await createHeld(request, draft);
    unlockStore(); // its record says what it uses; with --rmi the image is removed as soon as it ends
    let isStarted = false;
    try {
      await announce(record, network);
      const client = await startHeld({ record, lock }, containerPlan, {
        observer: launchObserver,
        connection: request.detach ? undefined : { wantsAll: true, isOwner },
        onStart() {
          isStarted = true;
          onStart();
        },
      });
      if (observer.template !== undefined) {
        const { keepRunTemplate } = await import('./run-template.js');
        const { plan } = containerPlan;
        const monitor = monitorFor(plan, record, plan.isNested);
        const kind = request.detach ? 'detached' : 'attached';
        keepRunTemplate(observer.template, { request, record, plan, monitor, network, filled, kind });
      }
      return { record, client };
    } catch (error) {
      if (!isStarted) {
        removeHeld(record, lock, { volumes: true });
        dropIdFile(request.cidfile);
      }
      throw error;
    }
  });
  if (client === undefined) {
    observer.print(`${record.id}\n`);
    return 0;
  }
  printUnseen(record.id, attached, observer);
  attachTo(record, client, {
    interactive: request.interactive && attached.stdin,
    passSignals,
    attached,
    detachKeys: request.detachKeys,
    isOwner,
  });
}

export interface StartOptions {
  observer?: LaunchObserver | undefined;
  /** How to connect to the monitor before the program starts; undefined for no connection. */
  connection?: ConnectOptions | undefined;
  /** Called before the monitor lets the program start. From then on, failures are handled by the monitor. */
  onStart?: () => void;
}

/**
 * Starts a container in the background.
 * @param held the container with its lock, which stays open
 * @returns the connection to its monitor, if one was requested
 * @throws FosterError; unless `onStart` was called, nothing is running then
 */
export function startHeld(
  held: HeldContainer,
  plan: ContainerPlan,
  options: StartOptions & { connection: ConnectOptions },
): Promise<number>;
export function startHeld(
  held: HeldContainer,
  plan: ContainerPlan,
  options: StartOptions,
): Promise<number | undefined>;
export async function startHeld(
  { record, lock }: HeldContainer,
  plan: ContainerPlan,
  { observer, connection, onStart }: StartOptions,
): Promise<number | undefined> {
  const waiting = await launchDetached(plan, record, lock, { observer, warn: surroundings().warn });
  let client: number | undefined;
  try {
    client = connection && connectMonitor(record.id, connection);
  } catch (error) {
    giveUp(waiting);
    throw error;
  }
  onStart?.();
  try {
    await startProgramAmongOthers(waiting);
    leave(waiting);
    writePidFile(record);
  } catch (error) {
    if (client !== undefined) closeSync(client);
    if (isExecutionFailure(error)) leave(waiting);
    throw error;
  }
  return client;
}

/** Leaves a monitor to itself: nothing waits for its end. */
function leave({ monitor }: Waiting): void {
  closeSync(monitor.pidfd);
  reapLater(monitor.pid);
}

/** `foster create`: everything that `run` does before the start. Returns the id. */
export async function createOnly(request: RunRequest, draft: Draft): Promise<string> {
  cgroupPlan(draft); // reports limits that cannot be enforced now, not at the start
  if (mayBeFilled(draft) && surroundings().ownsProcess) holdSignals();
  const { record, lock } = await createHeld(request, draft);
  closeSync(lock);
  faultPoint('lock let go');
  return record.id;
}

/**
 * Starts a container in the background. Does nothing if it is running already.
 * @param attachment attaches this process to it; then the function does not return
 * @throws FosterError
 */
export async function startContainer(
  { record: { id, name } }: Container,
  attachment?: AttachOptions,
): Promise<void> {
  const held = await holdSoon(id, name);
  if (held === undefined) return;
  let client: number | undefined;
  try {
    client = await underWay(id, () => start(held, attachment));
  } finally {
    closeSync(held.lock);
  }
  if (client !== undefined && attachment !== undefined) attachTo(held.record, client, attachment);
}

/** @returns the connection to its monitor, if it is to be attached to */
async function start(
  held: HeldContainer,
  attachment: AttachOptions | undefined,
): Promise<number | undefined> {
  const { record } = held;
  if (surroundings().wantsStartTemplate) beginSightings();
  await startInfra(record);
  return await startAttached(record, async (network, onStart) => {
    await announce(record, network);
    const containerPlan = planContainer(record, { verbose: false, detached: true }, network);
    const client = await startHeld(held, containerPlan, {
      connection: attachment && { wantsAll: true },
      onStart,
    });
    if (surroundings().wantsStartTemplate || (record.isInfra && isSeeing())) {
      const { keepInfraTemplate, keepMemberTemplate, keepStartTemplate } = await import(
        './start-template.js'
      );
      const { plan } = containerPlan;
      const started = { record, plan, monitor: monitorFor(plan, record, plan.isNested), network };
      if (record.isInfra) keepInfraTemplate(started);
      else keepStartTemplate(started);
      if (record.pod !== undefined && !record.isInfra) keepMemberTemplate(started);
    }
    return client;
  });
}

/** Starts the container that holds the namespaces of a container's pod, if it does not run. @throws FosterError */
export async function startInfra({ shares }: Pick<ContainerRecord, 'shares'>): Promise<void> {
  const infra = shares && readContainer(shares.of);
  if (infra !== undefined && !isAlive(infra.state)) await startContainer(infra);
}

/**
 * Takes the container's lock and reads its record; undefined if it is alive. Another command may hold the lock for a
 * moment, so this waits up to ten seconds.
 * @throws FosterError if the container is gone, or if that takes longer
 */
async function holdSoon(id: string, name: string): Promise<HeldContainer | undefined> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    // what runs is nothing that a template depends on
    const lock = unseen(() => lockContainer(id, { wait: false }));
    const container = readContainer(id);
    if (container !== undefined && lock !== undefined) return { record: container.record, lock };
    if (container === undefined) {
      if (lock !== undefined) {
        if (!existsSync(containerFolder(id))) removeLock(id); // taking the lock has created its file
        closeSync(lock);
      }
      throw new FosterError(`no such container: ${name}`, {
        kind: 'not-found',
        advice: 'it has just been removed',
        exitCode: 1,
      });
    }
    if (isAlive(container.state)) return undefined;
    if (performance.now() > deadline) {
      throw new FosterError(`cannot start container ${name}: another command works on it`, {
        kind: 'conflict',
        advice: 'try it again',
        exitCode: 1,
      });
    }
    const { waitFor } = await import('../sys/poll.js');
    await waitFor(20);
  }
}

export type { ContainerRecord };
