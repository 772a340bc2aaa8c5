import { openSync } from 'node:fs';
import { becomeProgram } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { encodeMonitor, type MonitorOptions } from '../init/wire.js';
import { executionFailures } from '../launch/execution-failure.js';
import { hostResults } from '../launch/host-steps.js';
import type { Launched } from '../launch/launch.js';
import type { Plan } from '../plan/step.js';
import { isUnlogged } from '../spec/parse/logging.js';
import type { Attached, LogOptions } from '../spec/request.js';
import { faultPoint } from '../sys/fault.js';
import { memoryFile, openPidfd } from '../sys/libc.js';
import { containerFolder } from '../sys/paths.js';
import type { Attachment } from './attachment.js';
import type { OomReport } from './cgroups.js';
import type { HeldContainer } from './create.js';
import { openEvents } from './events/recorder.js';
import { volumeEvents } from './events/volumes.js';
import { lastProgram } from './last-program.js';
import { type ContainerRecord, joinedPod } from './record.js';

/** What the monitor of a container in the foreground needs to know. */
export interface Foreground {
  plan: Plan;
  /** The container, and its lock, held for as long as the monitor lives; undefined for a process that joined one. */
  held: HeldContainer | undefined;
  /** Whether the caller's standard input goes to the container. */
  interactive: boolean;
  /** Which of the container's output streams go to the caller; both by default. */
  attached?: Pick<Attached, 'stdout' | 'stderr'>;
  /** How processes that the kernel kills for their memory are told. */
  oom?: OomReport | undefined;
  /** Paths to remove when the container has ended. */
  remove: string[];
  /** How it is attached to networks. */
  network?: Attachment | undefined;
}

/** Output to a caller may be endless, so a log without a limit of its own keeps only the last part of it. */
const MOST_LOGGED = { maxSize: 16 * 1024 * 1024, maxFiles: 2 };

/**
 * A container with --rm that shows all its output needs no log, which would make its output three times slower. It gets
 * one if a log limit is set.
 */
function logOf({ rm, logging }: ContainerRecord, { terminal }: Plan): LogOptions | 'none' {
  if (isUnlogged(logging)) return 'none';
  if (logging.maxSize !== 0) return logging;
  return rm && !terminal ? 'none' : MOST_LOGGED;
}

/** What the monitor of a foreground run gets. @param launched undefined for a template, whose front adds what is missing */
export function monitorOf(
  launched: Pick<Launched, 'pid' | 'work'> | undefined,
  { plan, held, interactive, remove, oom, network }: Foreground,
): MonitorOptions {
  const steps = launched?.work.steps ?? plan.host;
  return {
    pid: launched?.pid ?? 0,
    host: { steps, ...(launched && { results: hostResults(launched.work) }) },
    terminal: plan.terminal,
    interactive,
    verbose: plan.verbose,
    shim: plan.shim,
    userNamespace: hasUserNamespace(plan, held),
    joined: joinedPod(held?.record),
    isMember: plan.isMember,
    stateless: held === undefined,
    subject: held?.record,
    timeLimit: held?.record.timeLimit && held.record.timeLimit * 1000,
    oom,
    remove,
    volumes: held && volumeEvents(held.record),
    names: network?.names ?? [],
    lastProgram: held && lastProgram(held.record),
    failures: executionFailures(plan),
    log: held && logOf(held.record, plan),
  };
}

/** Whether the container's user namespace is not the caller's. */
function hasUserNamespace(plan: Plan, held: HeldContainer | undefined): boolean {
  return held !== undefined && (plan.namespaces.includes('user') || plan.isNested);
}

/** Descriptors that a monitor gets, beside those of PID 1. */
export interface MonitorFiles {
  /** The PID 1 that they are for. */
  pid: number;
  /** What `encodeMonitor` makes. */
  blob: number;
  /** The container's folder. */
  folder: number | undefined;
  events: number | undefined;
}

/** What can be opened while PID 1 is not ready yet. */
export function openMonitorFiles(launched: Launched, foreground: Foreground): MonitorFiles {
  const { held } = foreground;
  return {
    pid: launched.pid,
    blob: memoryFile('foster-monitor', encodeMonitor(monitorOf(launched, foreground))),
    folder: held && openSync(containerFolder(held.record.id), 'r'),
    events: held && openEvents(),
  };
}

/**
 * Replaces this process with foster-init as the container's monitor. It lets the user's program start, forwards signals,
 * carries the terminal, and exits with the container's exit code. Returns only by throwing.
 * @param early what has been opened before PID 1 was ready
 */
export function becomeMonitor(launched: Launched, foreground: Foreground, early?: MonitorFiles): never {
  const { plan, held, interactive, attached = { stdout: true, stderr: true } } = foreground;
  const files = early?.pid === launched.pid ? early : openMonitorFiles(launched, foreground);
  const userNamespace = hasUserNamespace(plan, held)
    ? openSync(`/proc/${launched.inside}/ns/user`, 'r')
    : undefined;
  const { network } = foreground;
  const pod = network?.joined && joinedPod(held?.record) ? openPidfd(network.joined.pid) : undefined;
  const isReading = interactive || plan.terminal;
  const nothing = isReading && attached.stdout && attached.stderr ? 0 : openSync('/dev/null', 'r+');
  const descriptors = [
    isReading ? 0 : nothing,
    attached.stdout ? 1 : nothing,
    attached.stderr ? 2 : nothing,
    launched.control,
    files.blob,
    launched.pidfd,
    launched.console,
    files.folder,
    userNamespace,
    held?.lock,
    undefined,
    files.events,
    pod,
    undefined,
    ...launched.streams,
    network?.lock,
  ];
  faultPoint('about to become the monitor');
  becomeProgram({ file: initProgram(), argv: ['foster-init', 'monitor'], env: [], descriptors });
}
