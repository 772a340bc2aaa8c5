import { closeSync } from 'node:fs';
import { holdSignals } from '../init/clone.js';
import { CONTROL_START } from '../init/wire.js';
import { executionFailure } from '../launch/execution-failure.js';
import { abandon, type Launched, launch, receiveReport } from '../launch/launch.js';
import { RootFiles } from '../layers/root-files.js';
import { buildExecPlan } from '../plan/exec.js';
import type { Plan } from '../plan/step.js';
import { mergeEnv } from '../spec/parse/environment.js';
import type { Capabilities, Spec } from '../spec/types.js';
import { type ResolvedUser, resolveGroups, resolveUser } from '../spec/users.js';
import { CAPABILITY_NAMES } from '../sys/capabilities.js';
import { FosterError } from '../sys/errors.js';
import { waitForChild } from '../sys/libc.js';
import { isExiting, processStart } from '../sys/process.js';
import { surroundings } from '../sys/surroundings.js';
import { sendWord } from '../sys/write.js';
import { readCgroups } from './cgroups.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import { execDetachable } from './exec-detachable.js';
import { keepExecTemplate } from './exec-template.js';
import { becomeMonitor } from './foreground.js';
import type { ContainerRecord } from './record.js';
import { type Container, readLive } from './store.js';

/** The options of `foster exec`. */
export interface ExecRequest {
  command: string[];
  detach: boolean;
  interactive: boolean;
  tty: boolean;
  env: string[];
  workdir: string | undefined;
  user: string | undefined;
  privileged: boolean;
  /** How many descriptors of this process it gets, from 3 on; none by default. */
  keptDescriptors?: number;
  /** The keys that leave it running, if it has a terminal and input; by default nothing does. */
  detachKeys?: Buffer | undefined;
  /** The front has asked for a template, so that it can do the next such exec: exec-template.ts. */
  keepsTemplate?: boolean;
}

/**
 * Runs one more process in a running container. In the foreground this process becomes its monitor, or a client of that, and
 * does not return; detached it returns when the program runs.
 * @throws FosterError
 */
export function execInContainer(container: Container, request: ExecRequest): void {
  holdSignals();
  if (request.detach) {
    execDetached(container, request);
    return;
  }
  const { interactive, tty, detachKeys } = request;
  if (interactive && tty && detachKeys !== undefined)
    joinContainer(container, request, (joining) =>
      execDetachable({
        ...joining,
        detachKeys,
        onReady: () => {
          recordExec(container, request);
          if (request.keepsTemplate) keepTemplate(container, request);
        },
      }),
    );
  const { plan, launched } = launchExec(container, request);
  try {
    if (request.keepsTemplate) keepTemplate(container, request);
    becomeMonitor(launched, { plan, held: undefined, interactive: request.interactive, remove: [] });
  } catch (error) {
    abandon(launched);
    throw error;
  }
}

/**
 * Runs one more process in a running container, as a child of the container's PID 1, and returns when it is running.
 * @throws FosterError, also if the program cannot be executed
 */
export function execDetached(container: Container, request: ExecRequest): void {
  const { plan, launched } = launchExec(container, request);
  try {
    startProgram(launched, plan);
    closeSync(launched.pidfd);
    waitForChild(launched.pid); // this child ends after it has made the program a child of PID 1
    if (request.keepsTemplate) keepTemplate(container, request);
  } catch (error) {
    abandon(launched);
    throw error;
  }
}

/** Templates are for what is asked for most: as the container's own user, or one that is given in numbers; in its own directory. */
function keepTemplate({ record: { id }, state: { pid } }: Container, request: ExecRequest): void {
  const { detach, interactive, tty, user, workdir, privileged, keptDescriptors, detachKeys } = request;
  if (workdir !== undefined || privileged || keptDescriptors || (detach && tty)) return;
  if (user !== undefined && !/^\d{1,10}(:\d{1,10})?$/.test(user)) return;
  const inTerminal = interactive ? 'detachable' : 'terminal';
  const kind = detach ? 'detached' : tty ? inTerminal : 'foreground';
  const keys = detachKeys ?? Buffer.alloc(0);
  const plain = { ...request, command: ['x'], env: [] };
  keepExecTemplate(id, { kind, keys, user: user === undefined ? undefined : { ids: user, pid } }, (record) =>
    planOf(record, specOf(record, pid, plain), plain),
  );
}

/** A process in a container that is a child of this process. */
export interface ExecProcess {
  pid: number;
  /** The caller must close it. */
  pidfd: number;
  /** Our ends of the pipes for its standard input, output and error, in this order. The caller must close them. */
  streams: Launched['streams'];
}

/**
 * Runs one more process in a running container, without a terminal, as a child of this process. The caller carries its
 * streams and waits for it. It is killed when this process ends.
 * @throws FosterError, also if the program cannot be executed
 */
export function execAsChild(container: Container, request: ExecRequest): ExecProcess {
  const { plan, launched } = launchExec(container, request, { isProgram: true });
  try {
    startProgram(launched, plan);
    return { pid: launched.pid, pidfd: launched.pidfd, streams: launched.streams };
  } catch (error) {
    abandon(launched);
    throw error;
  }
}

function launchExec(
  container: Container,
  request: ExecRequest,
  { isProgram = false } = {},
): { plan: Plan; launched: Launched } {
  return joinContainer(container, request, ({ plan, ...joining }) => {
    const launched = launch(plan, {
      stdin: request.interactive && !request.detach,
      isSilent: request.detach,
      isProgram,
      ...joining,
    });
    recordExec(container, request);
    return { plan, launched };
  });
}

/** The plan of an exec that is not started. @throws FosterError if the container does not run */
export function planOfExec(container: Container, request: ExecRequest): Plan {
  const { record, state } = container;
  checkJoinable(container);
  return planOf(record, specOf(record, state.pid, request), request);
}

/** @throws FosterError if nothing can be executed in it */
function checkJoinable(container: Container): void {
  const { record, state } = container;
  if (state.status !== 'running' || state.pid === 0) throw notRunning(container);
  if (record.joins !== undefined && process.getuid?.() !== 0) throw cannotEnter(record);
}

/** Starts the process of an exec by `start`. @throws FosterError */
function joinContainer<Result>(
  container: Container,
  request: ExecRequest,
  start: (joining: { plan: Plan; join: number; isJoinable: () => boolean }) => Result,
): Result {
  const { record, state } = container;
  const isAlive = () => readLive(record.id)?.pidStart === processStart(state.pid) && !isExiting(state.pid);
  checkJoinable(container);
  try {
    return start({ plan: planOfExec(container, request), join: state.pid, isJoinable: isAlive });
  } catch (error) {
    // the end of the container shows itself as different errors
    throw isAlive() ? error : hasEnded(container, error);
  }
}

function planOf(record: ContainerRecord, spec: Spec, request: ExecRequest): Plan {
  const { canSetGroups, id } = record;
  return buildExecPlan(spec, {
    canSetGroups,
    detached: request.detach,
    ...(request.keptDescriptors && { kept: request.keptDescriptors }),
    cgroups: readCgroups(id),
  });
}

function recordExec({ record }: Container, { command }: ExecRequest): void {
  recordEvent('exec', record, { ...attributesOf(record), command: command.join(' ') });
}

function hasEnded({ record }: Container, cause: unknown): FosterError {
  return new FosterError(`cannot execute in container ${record.name}: it has just ended`, {
    kind: 'conflict',
    cause,
    exitCode: 1,
  });
}

/** Its foster-init is hidden from the other container, and so from all who are not root: src/plan/namespaces.ts. */
function cannotEnter({ name }: ContainerRecord): FosterError {
  return new FosterError(
    `cannot execute in container ${name}: it shares the processes of another container, which must not look into it`,
    {
      kind: 'unsupported',
      advice: 'use a pod that shares processes: foster pod create --share +pid',
      exitCode: 1,
    },
  );
}

function notRunning({ record, state }: Container): FosterError {
  const { name } = record;
  const [what, advice] =
    state.status === 'paused'
      ? ['is paused', `first: foster unpause ${name}`]
      : state.status === 'restarting'
        ? ['is about to be started again', `see why it ends: foster logs ${name}`]
        : ['is not running', `first: foster start ${name}`];
  return new FosterError(`cannot execute in container ${name}: it ${what}`, {
    kind: 'conflict',
    advice,
    exitCode: 1,
  });
}

/** The container's Spec with the process that is asked for. @param pid of its PID 1 */
function specOf({ spec, asked }: ContainerRecord, pid: number, request: ExecRequest): Spec {
  const user = request.user === undefined ? undefined : userInside(pid, request.user, asked?.groups);
  const home = user === undefined ? [] : [`HOME=${user.home}`];
  const term = request.tty ? [`TERM=${surroundings().env.TERM || 'xterm'}`] : [];
  return {
    ...spec,
    process: {
      ...spec.process,
      terminal: request.tty && !request.detach, // in the background nobody uses it
      user: { ...spec.process.user, ...user }, // its umask is every user's
      args: request.command,
      env: mergeEnv(spec.process.env, home, term, request.env),
      cwd: request.workdir ?? spec.process.cwd,
      capabilities: capabilitiesOf(spec, user?.uid ?? spec.process.user.uid, request.privileged),
      noNewPrivileges: spec.process.noNewPrivileges && !request.privileged,
    },
    linux: request.privileged ? withoutSeccomp(spec) : spec.linux,
  };
}

function withoutSeccomp(spec: Spec): Spec['linux'] {
  const { seccomp: _, ...rest } = spec.linux;
  return rest;
}

/** As for a container's first process: root has all capabilities, another user only those that a program can give it. */
function capabilitiesOf(spec: Spec, uid: number, privileged: boolean): Capabilities {
  const bounding = privileged ? [...CAPABILITY_NAMES] : spec.process.capabilities.bounding;
  const active = uid === 0 ? bounding : [];
  return { bounding, effective: active, inheritable: [], permitted: active, ambient: [] };
}

/** Looks a user up in the current files of the running container. @param added the groups that all its users have, as in Docker */
function userInside(pid: number, wanted: string, added: string[] = []): ResolvedUser {
  const root = new RootFiles([`/proc/${pid}/root`]);
  try {
    const groups = root.read('/etc/group');
    const user = resolveUser(wanted, root.read('/etc/passwd'), groups);
    const additionalGids = [...new Set([...user.additionalGids, ...resolveGroups(added, groups)])];
    return { ...user, additionalGids };
  } finally {
    root.close();
  }
}

/** Lets the program be executed, and waits until it is. @throws FosterError if it cannot be */
function startProgram({ control }: Launched, plan: Plan): void {
  sendWord(control, CONTROL_START);
  const report = receiveReport(control);
  if (report?.kind === 'exec-failed') throw executionFailure(plan, report.errno);
  closeSync(control);
}
