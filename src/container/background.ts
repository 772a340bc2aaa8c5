import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { CONTROL_START, encodeMonitor, encodePlan, type MonitorOptions } from '../init/wire.js';
import { executionFailure, executionFailures } from '../launch/execution-failure.js';
import { launchFailure } from '../launch/failure.js';
import { hostOutput } from '../launch/host-steps.js';
import { keepDescriptors, type LaunchObserver, receiveReport, waitUntilReady } from '../launch/launch.js';
import { closeAll } from '../launch/streams.js';
import { buildExecPlan } from '../plan/exec.js';
import { namespaceFlags } from '../plan/namespaces.js';
import { buildProbePlan } from '../plan/probe.js';
import type { CgroupPlace, Plan } from '../plan/step.js';
import { isUnlogged } from '../spec/parse/logging.js';
import type { HealthCheck, Hook } from '../spec/request.js';
import { faultPoint } from '../sys/fault.js';
import {
  duplicate,
  memoryFile,
  openPidfd,
  signalPidfd,
  socketPair,
  waitForChild,
  waitReadable,
} from '../sys/libc.js';
import { containerFolder, jobFailures } from '../sys/paths.js';
import { wire } from '../sys/wire-constants.js';
import { sendWord } from '../sys/write.js';
import { oomReport, writeCgroups } from './cgroups.js';
import { openEvents } from './events/recorder.js';
import { volumeEvents } from './events/volumes.js';
import { lastProgram } from './last-program.js';
import { entered } from './network-draft.js';
import type { ContainerPlan } from './plan.js';
import { type ContainerRecord, joinedPod } from './record.js';
import { pathsOf } from './remove.js';
import { openUsers } from './shared-namespaces.js';

const SIGKILL = 9;

/** A monitor that has set up its container, and waits for the order to start the user's program. */
export interface Waiting {
  monitor: { pid: number; pidfd: number };
  session: number;
  plan: Plan;
}

/** Files of earlier starts, which a new start makes untrue. */
const STALE = ['stopped', 'shutdown', 'stopping', 'paused', 'counts', 'health', 'oom', 'limits', 'next'];

export interface DetachedOptions {
  observer?: LaunchObserver | undefined;
  /** Receives warnings. */
  warn?: (sentence: string) => void;
}

/**
 * Starts the monitor of a container, which starts the container. The monitor survives the end of this command and of its
 * terminal.
 * @param lock the container's lock, which the monitor holds from now on
 * @throws FosterError that describes the step that failed; nothing runs then
 */
export async function launchDetached(
  { plan, network }: ContainerPlan,
  record: ContainerRecord,
  lock: number,
  { observer, warn }: DetachedOptions = {},
): Promise<Waiting> {
  const folder = containerFolder(record.id);
  for (const name of STALE) rmSync(join(folder, name), { force: true });
  // How it has ended stays on record until it runs again. The monitor removes that; a killed one has left only `live`.
  if (!existsSync(join(folder, 'exit'))) rmSync(join(folder, 'live'), { force: true });
  writeCgroups(record.id, plan);
  faultPoint('stale files removed');
  const [session, theirs] = socketPair();
  const opened = {
    nothing: openSync('/dev/null', 'r+'),
    blob: memoryFile(
      'foster-monitor',
      encodeMonitor(monitorFor(plan, record, plan.isNested, network?.names)),
    ),
    folder: openSync(folder, 'r'),
    plan: memoryFile('foster-plan', encodePlan(plan, { trace: observer !== undefined })),
    events: openEvents(),
    joined: openJoined(entered(network), network?.namespace),
    holder: network?.holder === undefined ? undefined : openPidfd(network.holder),
    users: plan.joinsPids && network?.joined ? openUsers(network.joined.pid) : undefined,
    output: hostOutput(plan.host),
    postStart: hasPostStart(record) ? helperFile('foster-hook', record, record.postStart, plan) : undefined,
    preStop: hasPreStop(record) ? helperFile('foster-hook', record, record.preStop, plan) : undefined,
  };
  const checks = checksOf(record).map((check) => helperFile('foster-health', record, check, plan));
  let monitor: { pid: number; pidfd: number };
  try {
    const { nothing, blob } = opened;
    const low = [
      nothing,
      nothing,
      nothing,
      theirs,
      blob,
      undefined,
      undefined,
      opened.folder,
      opened.users,
      lock,
    ];
    const descriptors = [...low, opened.plan, opened.events, opened.joined, opened.output];
    descriptors[wire.FD_NETWORK] = network?.lock;
    descriptors[wire.FD_HOLDER] = opened.holder;
    descriptors[wire.FD_POST_START] = opened.postStart;
    descriptors[wire.FD_PRE_STOP] = opened.preStop;
    checks.forEach((check, index) => {
      descriptors[wire.FD_CHECKS + index] = check;
    });
    keepDescriptors(descriptors, wire.FD_SUPERVISOR_END, plan);
    monitor = startProcess(
      {
        file: initProgram(),
        argv: ['foster-init', 'monitor'],
        env: [],
        descriptors: Array.from(descriptors),
      },
      0,
    );
  } catch (error) {
    closeAll([session, opened.output]);
    throw error;
  } finally {
    closeAll([theirs, ...checks, ...Object.values({ ...opened, output: undefined })]);
  }
  const waiting = { monitor, session, plan };
  try {
    faultPoint('monitor started');
    await othersMayLaunch();
    waitUntilReady(plan, session, { observer, warn, output: opened.output, outcomes: [] });
    faultPoint('ready');
    return waiting;
  } catch (error) {
    giveUp(waiting);
    throw error;
  } finally {
    closeAll([opened.output]);
  }
}

/** As many are started at once: more would only compete, and each holds descriptors. */
const MOST_LAUNCHED = 16;

let launched = 0;

/**
 * Lets other starts of this process go on, while a monitor is at work. Each wait for a monitor holds up the process, so whoever starts
 * many containers starts the monitors of all of them before it waits for the first.
 */
async function othersMayLaunch(): Promise<void> {
  if (launched >= MOST_LAUNCHED) return;
  launched++;
  await setImmediate();
  launched--;
}

function openJoined(pid: number | undefined, namespace: number | undefined): number | undefined {
  if (namespace !== undefined) return duplicate(namespace);
  return pid === undefined ? undefined : openPidfd(pid);
}

/** Whether something is run at each start. A pause there holds nothing up. */
function hasPostStart(record: ContainerRecord): record is ContainerRecord & { postStart: Hook } {
  return record.postStart !== undefined && record.postStart.sleep === undefined;
}

/** Whether the monitor runs something before the stop signal, because a check may end the container. */
function hasPreStop(record: ContainerRecord): record is ContainerRecord & { preStop: Hook } {
  return record.preStop !== undefined && record.preStop.sleep === undefined && checksOf(record).some(ends);
}

function ends({ role }: HealthCheck): boolean {
  return role === 'liveness' || role === 'startup';
}

/** The most that the monitor takes for a time that has no limit. */
const NO_LIMIT = 2 ** 31;

/** Milliseconds between the stop signal and SIGKILL. */
function graceOf({ stopTimeout }: ContainerRecord): number {
  return stopTimeout < 0 ? NO_LIMIT : Math.min(stopTimeout * 1000, NO_LIMIT);
}

/** All health checks of a container, first the one that others see. */
function checksOf({ health, probes = [] }: ContainerRecord): HealthCheck[] {
  return health === undefined ? [] : [health, ...probes];
}

/** A plan that the monitor starts by itself. */
function helperFile(name: string, record: ContainerRecord, asked: Asked, plan: Plan): number {
  return memoryFile(name, encodedHelper(record, asked, plan));
}

/** The same, encoded. */
export function encodedHelper(record: ContainerRecord, asked: Asked, plan: Plan): Uint8Array {
  return encodePlan(helperPlan(record, asked, plan.cgroup?.places), { trace: false });
}

/** A command in a container, or a server in its network that is asked: what a health check or a hook does. */
type Asked = Pick<HealthCheck, 'command' | 'probe'>;

/** The plan of a health check or a hook: a process that joins the container. Who runs it does no host steps for it. */
export function helperPlan(
  { spec, canSetGroups }: ContainerRecord,
  { command, probe }: Asked,
  places: readonly CgroupPlace[] = [],
): Plan {
  if (probe !== undefined) return buildProbePlan(spec, probe);
  // Only systemd can put a process into a scope, and the monitor does no host steps for a check: it stays outside.
  const cgroups = places.filter(({ unit }) => unit === undefined);
  const check = { ...spec, process: { ...spec.process, args: command, terminal: false } };
  return buildExecPlan(check, { canSetGroups, detached: false, cgroups });
}

/** What a monitor that starts its container gets. @param joins whether PID 1 joins a process */
export function monitorFor(
  plan: Plan,
  record: ContainerRecord,
  joins: boolean,
  names: readonly string[] = [],
): MonitorOptions {
  return {
    pid: 0,
    terminal: plan.terminal,
    interactive: record.interactive,
    verbose: false,
    shim: plan.shim,
    userNamespace: plan.namespaces.includes('user') || plan.isNested,
    stateless: false,
    subject: record,
    joined: joinedPod(record),
    isMember: plan.isMember,
    joinsPids: plan.joinsPids,
    remove: record.rm ? pathsOf(record) : [],
    names,
    volumes: volumeEvents(record),
    lastProgram: lastProgram(record),
    failureCount: record.job && jobFailures(record.job),
    failures: executionFailures(plan),
    log: isUnlogged(record.logging) ? 'none' : record.logging,
    timeLimit: record.timeLimit && record.timeLimit * 1000,
    oom: oomReport(plan, `container ${record.name}`, record.spec),
    host: { steps: plan.host },
    supervise: {
      cloneFlags: namespaceFlags(plan.namespaces),
      joins,
      isNested: plan.isNested,
      checks: checksOf(record).map((check) => (ends(check) ? { grace: graceOf(record), ...check } : check)),
      hasPostStart: hasPostStart(record),
      stop: {
        signal: record.stopSignal,
        hasPreStop: hasPreStop(record),
        pause: record.preStop?.sleep ?? 0,
      },
      kept: plan.kept,
    },
  };
}

/** Ends a monitor, and its container with it, before the user's program runs. */
export function giveUp({ monitor, session }: Waiting): void {
  closeSync(session); // then the monitor ends the container, and cleans up
  if (waitReadable(monitor.pidfd, 2000) !== 'ready') signalPidfd(monitor.pidfd, SIGKILL);
  waitForChild(monitor.pid);
  closeSync(monitor.pidfd);
}

/**
 * Lets the monitor start the user's program, and waits until it runs. From then on the monitor is on its own.
 * @throws FosterError with Docker's exit code if the program cannot be executed; the container has then ended
 */
export function startProgram(waiting: Waiting): void {
  tellToStart(waiting);
  awaitProgram(waiting);
}

/** As `startProgram`, but other starts of this process go on meanwhile. @throws FosterError */
export async function startProgramAmongOthers(waiting: Waiting): Promise<void> {
  tellToStart(waiting);
  await othersMayLaunch();
  awaitProgram(waiting);
}

function tellToStart({ session }: Waiting): void {
  sendWord(session, CONTROL_START);
  faultPoint('told to go');
}

function awaitProgram(waiting: Waiting): void {
  const { session, plan, monitor } = waiting;
  for (;;) {
    const report = receiveReport(session);
    if (report?.kind === 'failed') {
      giveUp(waiting);
      throw launchFailure(plan, report, undefined);
    }
    if (report?.kind === 'exec-failed') {
      closeSync(session);
      waitReadable(monitor.pidfd, 5000);
      throw executionFailure(plan, report.errno);
    }
    // without foster-init as PID 1, the socket closes when the program is executed
    if (report === undefined || report.kind === 'executed') break;
  }
  closeSync(session);
}
