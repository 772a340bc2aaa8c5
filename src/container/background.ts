import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../init/clone.js';
import { findHelper } from '../init/id-maps.js';
import { initProgram } from '../init/init-program.js';
import { adviceOnNamespaces } from '../init/namespace-failure.js';
import {
  CLONE_STEP,
  encodeMonitor,
  encodePlan,
  HANDED_STEP,
  MAPS_STEP,
  SAY_GO,
  STATE_STEP,
} from '../init/wire.js';
import { handFailure, warnOfHanded } from '../launch/handed-mounts.js';
import {
  executionFailure,
  executionFailures,
  joinedBy,
  nextReport,
  stepAt,
  type Witness,
} from '../launch/launch.js';
import { stepFailure } from '../launch/step-failure.js';
import {
  isStorageStep,
  storageEnd,
  storageFailure,
  storageSays,
  storageWords,
} from '../launch/storage-program.js';
import { buildExecPlan } from '../plan/exec.js';
import { namespaceFlags } from '../plan/namespaces.js';
import type { Plan } from '../plan/step.js';
import type { HealthCheck } from '../spec/request.js';
import { errnoName, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { memoryFile, openPidfd, signalPidfd, socketPair, waitForChild, waitReadable } from '../sys/libc.js';
import { containerFolder, dataFolder } from '../sys/paths.js';
import { sendWord } from '../sys/write.js';
import { openEvents } from './events/recorder.js';
import type { ContainerPlan } from './plan.js';
import type { ContainerRecord } from './record.js';
import { mapsOf, pathsOf } from './remove.js';

const SIGKILL = 9;

/** A monitor that has brought its container to where only the word to go is missing. */
export interface Waiting {
  monitor: { pid: number; pidfd: number };
  session: number;
  plan: Plan;
}

/** What earlier starts have left, which a new start makes untrue. */
const STALE = ['stopped', 'paused', 'counts', 'health'];

export interface DetachedOptions {
  witness?: Witness | undefined;
  /** Told what is not as the person may expect it. */
  warn?: (sentence: string) => void;
}

/**
 * Starts the monitor of a container, which starts the container: a process of its own, so that neither the end of this
 * command nor that of its terminal matters to it.
 * @param lock the container's lock, which the monitor holds from now on
 * @throws FosterError with the sentence of the step that failed; nothing runs then
 */
export function launchDetached(
  { plan, joined }: ContainerPlan,
  record: ContainerRecord,
  lock: number,
  { witness, warn = () => {} }: DetachedOptions = {},
): Waiting {
  const folder = containerFolder(record.id);
  for (const name of STALE) rmSync(join(folder, name), { force: true });
  // How it has ended stays known until it runs again: the monitor sees to that. A killed monitor has left half of it.
  if (!existsSync(join(folder, 'exit'))) rmSync(join(folder, 'live'), { force: true });
  faultPoint('stale files removed');
  const [session, theirs] = socketPair();
  const opened = {
    nothing: openSync('/dev/null', 'r+'),
    blob: memoryFile('foster-monitor', monitorBlob(plan, record, joined !== undefined)),
    folder: openSync(folder, 'r'),
    plan: memoryFile('foster-plan', encodePlan(plan, { trace: witness !== undefined })),
    events: openEvents(),
    joined: joined === undefined ? undefined : openPidfd(joined.state.pid),
    users:
      joined === undefined || plan.handed === undefined
        ? undefined
        : openSync(`/proc/${joined.state.pid}/ns/user`, 'r'),
    said: plan.storage && storageSays(),
    health:
      record.health &&
      memoryFile('foster-health', encodePlan(healthPlan(record, record.health), { trace: false })),
  };
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
    const descriptors = [...low, opened.plan, opened.events, opened.joined, opened.health, opened.said];
    monitor = startProcess(
      { file: initProgram(), argv: ['foster-init', 'monitor'], env: [], descriptors },
      0,
    );
  } finally {
    closeSync(theirs);
    for (const fd of Object.values({ ...opened, said: undefined })) if (fd !== undefined) closeSync(fd);
  }
  const waiting = { monitor, session, plan };
  try {
    faultPoint('monitor started');
    awaitReady(waiting, { witness, warn }, opened.said);
    faultPoint('ready');
    return waiting;
  } catch (error) {
    giveUp(waiting);
    throw error;
  } finally {
    if (opened.said !== undefined) closeSync(opened.said);
  }
}

/** The plan of a health check, which the monitor runs by itself: a process that joins the container. */
function healthPlan({ spec, canSetGroups }: ContainerRecord, { command }: HealthCheck): Plan {
  const check = { ...spec, process: { ...spec.process, args: command, terminal: false } };
  return buildExecPlan(check, { canSetGroups, detached: false });
}

function monitorBlob(plan: Plan, record: ContainerRecord, joins: boolean): Uint8Array {
  const maps = joins ? undefined : mapsOf(record);
  const isHelped = maps?.helpers ?? false;
  return encodeMonitor({
    pid: 0,
    terminal: plan.terminal,
    interactive: record.interactive,
    verbose: false,
    shim: plan.shim,
    userNamespace: plan.namespaces.includes('user'),
    stateless: false,
    subject: record,
    remove: record.rm ? pathsOf(record) : [],
    failures: executionFailures(plan),
    log: record.logging,
    supervise: {
      cloneFlags: namespaceFlags(plan.namespaces),
      helpers: isHelped ? { uid: findHelper('newuidmap'), gid: findHelper('newgidmap') } : undefined,
      maps,
      denySetgroups: maps !== undefined && !isHelped && process.getuid?.() !== 0,
      joins,
      handed: plan.handed,
      storage: plan.storage && storageWords(plan.storage, { joins: joinedBy(plan) }),
      health: record.health,
    },
  });
}

function awaitReady(
  { session, plan }: Waiting,
  { witness, warn }: Required<Pick<DetachedOptions, 'warn'>> & DetachedOptions,
  said: number | undefined,
): void {
  const handed: number[] = [];
  for (;;) {
    const report = nextReport(session);
    switch (report?.kind) {
      case undefined:
        throw new FosterError('the first process of the container was killed while it was set up');
      case 'started':
        witness?.started(report.pid);
        faultPoint('PID 1 started');
        break;
      case 'step':
        witness?.step(report.index, report.result);
        break;
      case 'handed':
        handed[report.index] = report.outcome;
        break;
      case 'ready':
        warnOfHanded(plan.handed ?? [], handed, warn);
        witness?.ready();
        return;
      case 'failed':
        throw (
          (said === undefined ? undefined : storageEnd(report.errno, said)) ??
          startFailure(plan, report.index, report.errno)
        );
      default:
        break;
    }
  }
}

function startFailure(plan: Plan, index: number, errno: number): FosterError {
  if (index === MAPS_STEP) {
    return new FosterError('cannot map the ids of the container: newuidmap or newgidmap failed', {
      advice: 'check your ranges in /etc/subuid and /etc/subgid, and that both programs are setuid root',
    });
  }
  if (index === STATE_STEP) {
    return new FosterError(`cannot record that the container runs: ${errnoWords(errno)}`, {
      advice: `check that there is space in ${dataFolder()} and that it is writable`,
    });
  }
  const handed = plan.handed?.[index - HANDED_STEP];
  if (handed !== undefined) return handFailure(handed, errno);
  if (isStorageStep(index)) return storageFailure(index, errno);
  if (index !== CLONE_STEP) return stepFailure(stepAt(plan, index), errno);
  const advice = adviceOnNamespaces(errnoName(errno));
  return new FosterError(`cannot start a process in new namespaces: clone: ${errnoWords(errno)}`, {
    ...(advice !== undefined && { advice }),
  });
}

/** Ends a monitor, and its container with it, before the user's program runs. */
export function giveUp({ monitor, session }: Waiting): void {
  closeSync(session); // it takes the container down in good order
  if (waitReadable(monitor.pidfd, 2000) !== 'ready') signalPidfd(monitor.pidfd, SIGKILL);
  waitForChild(monitor.pid);
  closeSync(monitor.pidfd);
}

/**
 * Lets the user's program start, and waits until it runs. The monitor goes on by itself.
 * @throws FosterError with Docker's exit code where the program cannot be executed; the container has ended then
 */
export function letGo(waiting: Waiting): void {
  const { session, plan, monitor } = waiting;
  sendWord(session, SAY_GO);
  faultPoint('told to go');
  for (;;) {
    const report = nextReport(session);
    if (report?.kind === 'failed') {
      giveUp(waiting);
      throw startFailure(plan, report.index, report.errno);
    }
    if (report?.kind === 'exec-failed') {
      closeSync(session);
      waitReadable(monitor.pidfd, 5000);
      throw executionFailure(plan, report.errno);
    }
    // without a shim the socket closes when the program is executed
    if (report === undefined || report.kind === 'executed') break;
  }
  closeSync(session);
}
