import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { type AttachOptions, connectMonitor } from '../container/attach.js';
import { giveUp, launchDetached, letGo } from '../container/background.js';
import type { HeldContainer } from '../container/create.js';
import { createHeld } from '../container/create-held.js';
import { draftContainer, type Voice } from '../container/draft.js';
import { readEvents } from '../container/events/reader.js';
import { killContainer } from '../container/kill.js';
import { logEntries } from '../container/logs/write.js';
import { planContainer } from '../container/plan.js';
import { removeContainer, removeHeld } from '../container/remove.js';
import { startContainer } from '../container/start.js';
import { stopContainer } from '../container/stop.js';
import {
  type Container,
  findContainer,
  isAlive,
  isLocked,
  listContainers,
  readContainer,
  readCounts,
  readHealth,
  readLive,
} from '../container/store.js';
import { waitForContainer } from '../container/wait.js';
import { nativeFile } from '../init/clone.js';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../spec/parse/detach-keys.js';
import { parseSignal } from '../spec/parse/signals.js';
import type { RunRequest } from '../spec/request.js';
import { EXIT, FosterError } from '../sys/errors.js';
import { waitFor } from '../sys/poll.js';
import { surroundings } from '../sys/surroundings.js';
import { reapLater, reapMonitors } from './monitors.js';
import { requestOf } from './request.js';
import { carryStreams } from './streams.js';
import type {
  ContainerEvent,
  ContainerInfo,
  ContainerResult,
  CreateOptions,
  EventOptions,
  LogEntry,
  LogOptions,
  RunOptions,
  StopOptions,
} from './types.js';

const SIGKILL = 9;

function voice(): Voice {
  const { warn } = surroundings();
  return { warn, explain() {}, print() {} };
}

/** Creates a container. Returns its id. */
export async function create(options: CreateOptions): Promise<string> {
  const request = { ...requestOf(options, surroundings().env), detach: false };
  const { record, lock } = await createHeld(request, await draftContainer(request, voice()), voice());
  closeSync(lock);
  return record.id;
}

/** Runs a container, attached, until it has ended. */
export async function run(options: RunOptions): Promise<ContainerResult> {
  const { inherit = false, stdin } = options;
  const wanted = requestOf(options, surroundings().env);
  const request = { ...wanted, interactive: wanted.interactive || inherit || stdin !== undefined };
  const { record, client } = await launch(request);
  const { id, name } = record;
  const keys = parseDetachKeys(DEFAULT_DETACH_KEYS);
  const child = attachClient(record, client, { inherit, interactive: request.interactive, detachKeys: keys });
  const result = await carryStreams(child, options, () => end(id));
  // Where the client was asked to detach, the container goes on.
  if (result.timedOut || result.outputExceeded || !inherit) await settled(id);
  return { id, name, ...result };
}

/** Creates a container and starts it, with a connection to its monitor that takes all of its output. */
async function launch(request: RunRequest): Promise<{ record: HeldContainer['record']; client: number }> {
  const say = voice();
  const draft = await draftContainer(request, say);
  const plan = planContainer(draft, { verbose: false, detached: true });
  const { record, lock } = await createHeld(request, draft, say);
  let client: number | undefined;
  let isReady = false;
  try {
    const waiting = launchDetached(plan, record, lock, { warn: say.warn });
    reapLater(waiting.monitor.pid);
    try {
      client = connectMonitor(record.id, { wantsAll: true });
    } catch (error) {
      giveUp(waiting);
      throw error;
    }
    isReady = true;
    try {
      letGo(waiting);
    } catch (error) {
      if (isExecutionFailure(error)) closeSync(waiting.monitor.pidfd);
      throw error;
    }
    closeSync(waiting.monitor.pidfd);
    closeSync(lock);
    return { record, client };
  } catch (error) {
    if (client !== undefined) closeSync(client);
    if (!isReady) removeHeld(record, lock);
    else {
      closeSync(lock);
      if (isExecutionFailure(error)) await settled(record.id);
    }
    throw error;
  }
}

/** The program does not exist or cannot be executed; the container has been started, and has ended. */
function isExecutionFailure(error: unknown): boolean {
  return error instanceof FosterError && error.exitCode !== EXIT.FOSTER;
}

interface ClientOptions extends Pick<AttachOptions, 'interactive' | 'detachKeys'> {
  inherit: boolean;
}

/** A process that carries the container's streams: foster-init as `foster attach` has it. Takes `client`. */
function attachClient(
  { spec }: HeldContainer['record'],
  client: number,
  { inherit, interactive, detachKeys }: ClientOptions,
): ChildProcess {
  const flags = `${spec.process.terminal ? 't' : ''}${interactive ? 'i' : ''}${inherit ? 's' : ''}`;
  try {
    return spawn(nativeFile('foster-init'), ['attach', flags, detachKeys.toString('latin1')], {
      argv0: 'foster-init',
      env: {},
      stdio: inherit
        ? ['inherit', 'inherit', 'inherit', client]
        : [interactive ? 'pipe' : 'ignore', 'pipe', 'pipe', client],
      // Ctrl-C at the terminal of the caller is the caller's to deal with.
      detached: !inherit,
    });
  } finally {
    closeSync(client);
  }
}

/** Kills a container, and waits until it has ended. */
async function end(id: string): Promise<void> {
  const container = readContainer(id);
  if (container === undefined || !isAlive(container.state)) return;
  try {
    await killContainer(container, SIGKILL);
  } catch (error) {
    if (!(error instanceof FosterError && error.kind === 'conflict')) throw error; // it has just ended
  }
  await settled(id);
}

/** Milliseconds that the monitor may take for what it does at the end. */
const END_TIMEOUT = 10_000;

/** Waits until nobody works on a container that has ended, and its files are gone where they are to go. */
async function settled(id: string): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT;
  while (isLocked(id) && performance.now() < deadline) await waitFor(5);
  reapMonitors();
}

/** Starts a container that does not run, in the background. */
export async function start(reference: string): Promise<void> {
  const { record } = findContainer(reference);
  try {
    await startContainer(findContainer(record.id), surroundings().warn);
  } finally {
    reapLater(readLive(record.id)?.monitor ?? 0);
  }
}

export async function stop(reference: string, { timeout, stopSignal }: StopOptions): Promise<void> {
  const signal = stopSignal === undefined ? undefined : parseSignal('stopSignal', stopSignal);
  await stopContainer(findContainer(reference), { timeout, signal });
  reapMonitors();
}

export async function kill(reference: string, signal: string): Promise<void> {
  await killContainer(findContainer(reference), parseSignal('signal', signal));
  reapMonitors();
}

export async function remove(reference: string, force: boolean): Promise<void> {
  await removeContainer(findContainer(reference).record.id, { force });
  reapMonitors();
}

export async function wait(reference: string): Promise<number> {
  return await waitForContainer(findContainer(reference));
}

export function list(): ContainerInfo[] {
  return listContainers()
    .map(infoOf)
    .toSorted((a, b) => b.created.getTime() - a.created.getTime());
}

export function inspect(reference: string): ContainerInfo {
  return infoOf(findContainer(reference));
}

function infoOf({ record, state }: Container): ContainerInfo {
  const { startedAt, finishedAt, exitCode } = state;
  const health = record.health && readHealth(record.id);
  const orphans = readCounts(record.id);
  return {
    id: record.id,
    name: record.name,
    root: record.root,
    command: record.command,
    status: state.status,
    pid: state.pid,
    restarts: state.restarts,
    labels: record.labels,
    created: new Date(record.created),
    ...(startedAt !== undefined && { started: new Date(startedAt) }),
    ...(finishedAt !== undefined && { finished: new Date(finishedAt) }),
    ...(exitCode !== undefined && { exitCode }),
    ...(health && { health: health.status }),
    ...(orphans && { orphans }),
  };
}

export async function* logs(reference: string, options: LogOptions): AsyncGenerator<LogEntry> {
  const { follow = false, tail, since, until } = options;
  const range = { since: nanoseconds(since), until: nanoseconds(until) };
  for await (const { stream, time, data } of logEntries(findContainer(reference), { follow, tail, ...range }))
    yield { stream: stream === 1 ? 'stdout' : 'stderr', time: new Date(time), data };
}

function nanoseconds(date: Date | undefined): bigint | undefined {
  return date && BigInt(date.getTime()) * 1_000_000n;
}

export async function* events({ since, until }: EventOptions): AsyncGenerator<ContainerEvent> {
  const range = { since: since?.getTime(), until: until?.getTime() };
  for await (const { time, ...event } of readEvents(range)) yield { time: new Date(time), ...event };
}
