import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { bindDirectories, kernelPaths, OWN_FILES } from '../../container/host-facts.js';
import { checkAttachable } from '../../container/network.js';
import { readProfile } from '../../container/seccomp-profile.js';
import type { Workspace } from '../../image/rootfs/cache.js';
import { findMapHelpers } from '../../launch/id-maps.js';
import { forgetCgroups, noteCgroups } from '../../launch/noted-cgroups.js';
import { RootFiles } from '../../layers/root-files.js';
import { TREE } from '../../layers/tree-protocol.js';
import { holderState } from '../../network/holder.js';
import type { ChosenMaps } from '../../spec/choose-id-maps.js';
import { buildSpec } from '../../spec/from-request.js';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import { type RunContext, toRequest } from '../../spec/parse/run-request.js';
import type { BuildNetwork, Limits, RunRequest } from '../../spec/request.js';
import type { Mount, Seccomp } from '../../spec/types.js';
import { resolveUser } from '../../spec/users.js';
import { FosterError } from '../../sys/errors.js';
import { memoryFile, openPidfd, signalPidfd, waitReadable } from '../../sys/libc.js';
import { surroundings } from '../../sys/surroundings.js';
import { SCRIPT } from '../dockerfile/run-command.js';
import type { RunSettings } from '../options.js';
import { runCgroup } from './run-limits.js';
import type { RunOrder, RunReport } from './run-protocol.js';

/** The container of a RUN. */
export interface RunStep {
  argv: string[];
  /** `NAME=value`: variables in addition to the image's. */
  env: string[];
  /** Defaults of the image so far. */
  defaults: ImageDefaults;
  /** Unpacked layers, topmost first. */
  layers: string[];
  maps: ChosenMaps;
  network: BuildNetwork;
  mounts: Mount[];
  settings: RunSettings;
  limits: Limits;
  /** Whether its output is discarded unless it fails. */
  isQuiet: boolean;
  /** Receives a warning: a sentence. */
  warn(sentence: string): void;
}

/** The same for every build, so that commands that read it give the same result. */
const HOSTNAME = 'foster-build';

const SIGKILL = 9;

/**
 * Runs a command in a container on top of the layers, which writes to `upper` in the workspace. Ctrl-C kills it.
 * @returns its exit code
 * @throws FosterError if the container could not be started
 */
export async function runStep(step: RunStep, workspace: Workspace): Promise<number> {
  const { folder } = workspace;
  const order = orderOf(step, {
    folder,
    driver: existsSync(join(folder, TREE)) ? 'copy' : 'overlay',
    seccompProfile: await readProfile(step.settings),
  });
  noteCgroups(workspace.folder, order.facts.cgroup?.places ?? []);
  const input = memoryFile('foster-build-run', Buffer.from(JSON.stringify(order)));
  const output = step.isQuiet ? memoryFile('foster-build-output', new Uint8Array()) : undefined;
  try {
    const { output: take } = surroundings();
    const its = output ?? (take === undefined ? 'inherit' : 'pipe');
    const child = spawn(process.execPath, [join(__dirname, 'build-run-main.cjs')], {
      stdio: ['ignore', its, its, input, 'pipe'],
      env: {},
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (piece: Buffer) => take?.(piece));
    workspace.onInterrupt(() => killContainer(child));
    const code = await endOf(child, step.warn);
    if (code !== 0 && output !== undefined) surroundings().failedOutput(tailOf(output));
    return code;
  } finally {
    forgetCgroups(workspace.folder); // a monitor that was killed has left them
    for (const fd of [input, output]) if (fd !== undefined) closeSync(fd);
  }
}

/** What its helper is told. @param options.folder which its own layer is in */
export function orderOf(
  step: RunStep,
  {
    folder,
    driver,
    seccompProfile,
  }: { folder: string; driver: 'copy' | 'overlay'; seccompProfile: Seccomp | undefined },
): RunOrder {
  const { layers, maps, defaults, network, settings } = step;
  const id = randomBytes(32).toString('hex');
  const { addHosts, dns, dnsSearch, dnsOptions, without } = settings;
  const { env, dataRoot } = surroundings();
  const root = new RootFiles(layers);
  try {
    const user = resolveUser(defaults.User || undefined, root.read('/etc/passwd'), root.read('/etc/group'));
    const spec = buildSpec(requestOf(step), {
      id,
      hostname: HOSTNAME,
      rootPath: layers[0] ?? '/',
      image: { Env: defaults.Env ?? [], WorkingDir: defaults.WorkingDir || '/' },
      user,
      uidMappings: maps.uid,
      gidMappings: maps.gid,
      architecture: process.arch,
      callerIsRoot: process.getuid?.() === 0,
      seccompProfile,
    });
    const isAttached = network.mode === 'bridge' && checkAttachable({ spec }, !network.isUsual);
    return {
      parent: process.pid,
      surroundings: { env, dataRoot },
      spec,
      networks: isAttached ? network.networks : [],
      files: {
        hostname: HOSTNAME,
        network: network.mode === 'bridge' && !isAttached ? 'none' : network.mode,
        addHosts,
        dns,
        ...(dnsSearch && { dnsSearch }),
        ...(dnsOptions && { dnsOptions }),
        ...(without && { without }),
      },
      facts: {
        storage: { driver, layers, container: folder },
        canSetGroups: !maps.isSingle,
        cgroup: runCgroup(spec.linux, id),
        ...(maps.helpers && { mapHelpers: findMapHelpers() }),
        isCallerMapped: maps.isCallerMapped,
        accounts: [],
        // The script is foster's own, and its path cannot be a link of the image.
        guarded: step.mounts.map(({ destination }) => destination).filter((place) => place !== SCRIPT),
        directories: [...bindDirectories(spec.mounts)],
        kernelPaths: [...kernelPaths(spec)],
      },
    };
  } finally {
    root.close();
  }
}

/** Paths that foster mounts on in every container. */
export const MOUNT_POINTS = [...OWN_FILES, '/dev', '/proc', '/sys'];

/** Nothing of the caller's has a meaning in a RUN. */
const NO_CALLER: RunContext = { cwd: '/', env: {}, exists: () => false, readText: () => '' };

function requestOf({ argv, env, network, mounts, settings, limits }: RunStep): RunRequest {
  const flags = {
    rm: true,
    healthcheck: false,
    hostname: HOSTNAME,
    network: [network.mode],
    stopTimeout: '1',
  };
  const { rlimits, dns, addHosts, capabilities, noNewPrivileges, seccomp, shmSize } = settings;
  const { ipc = 'private', uts = 'private', cgroupns = 'private' } = settings;
  const request = toRequest('layers', argv, flags, [], NO_CALLER);
  return {
    ...request,
    ...{ rlimits, dns, addHosts, capabilities, noNewPrivileges, seccomp, ipc, uts, cgroupns, limits },
    ...(shmSize !== undefined && { shmSize }),
    entrypoint: [],
    env,
    mounts,
  };
}

async function endOf(child: ChildProcess, warn: (sentence: string) => void): Promise<number> {
  let failure: FosterError | undefined;
  createInterface({ input: child.stdio[4] as Readable }).on('line', (line) => {
    const report = JSON.parse(line) as RunReport;
    if ('warning' in report) warn(report.warning);
    else
      failure = new FosterError(report.error, {
        exitCode: 1,
        ...(report.advice === undefined ? {} : { advice: report.advice }),
      });
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done, fail) => {
    child.on('error', fail);
    child.on('close', (...how) => done(how));
  });
  if (failure !== undefined) throw failure;
  if (code === null)
    throw new FosterError(`the monitor of the container was killed by ${signal}`, { exitCode: 1 });
  return code;
}

const KILL_TIMEOUT_MS = 5000;

/**
 * Kills PID 1 of the container, a child of its monitor, and waits for it: no process of the container survives it. The
 * network holder, which may be another child, serves other containers too. The janitor removes what the monitor cannot
 * remove any more, and is waited for.
 */
function killContainer(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  const holder = holderState()?.pid;
  const children = childrenOf(child.pid).flatMap((pid) => {
    const pidfd = pid === holder ? undefined : pidfdOf(pid);
    return pidfd === undefined ? [] : [{ pidfd, isJanitor: nameOf(pid) === 'foster-janitor' }];
  });
  for (const { pidfd, isJanitor } of children) if (!isJanitor) signalPidfd(pidfd, SIGKILL);
  child.kill('SIGKILL');
  for (const { pidfd } of children) {
    waitReadable(pidfd, KILL_TIMEOUT_MS);
    closeSync(pidfd);
  }
}

/** proc_pid_task(5), "children". */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8');
      return text.split(' ').filter(Boolean).map(Number);
    });
  } catch {
    return []; // it has exited
  }
}

/** proc_pid_comm(5). */
function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return ''; // it has exited
  }
}

function pidfdOf(pid: number): number | undefined {
  try {
    return openPidfd(pid);
  } catch {
    return undefined; // it has exited
  }
}

const TAIL = 64 * 1024;

/** The end of a command's output. */
function tailOf(fd: number): Buffer {
  const again = openSync(`/proc/self/fd/${fd}`, 'r');
  try {
    const size = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    const end = Number(/^pos:\s*(\d+)/m.exec(size)?.[1] ?? 0);
    const buffer = Buffer.alloc(Math.min(end, TAIL));
    return buffer.subarray(0, readSync(again, buffer, 0, buffer.length, end - buffer.length));
  } finally {
    closeSync(again);
  }
}
