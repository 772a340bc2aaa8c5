import type { NamespaceType, Spec } from '../spec/types.js';
import { ensureDirectory, mode, prctl } from './calls.js';
import { CLONE } from './constants.js';
import { FD, type PlanFacts, type PlanOptions } from './facts.js';
import { setLimits, setSysctls } from './limits.js';
import { mountAll, openVolumes, protectKernelPaths, takeFromHost } from './mounts.js';
import { loopbackUp } from './network.js';
import { makePrivate, makeRootReadOnly, mountFiles, mountRoot, openStorage, pivot } from './rootfs.js';
import { loadSeccomp } from './seccomp-step.js';
import { constant, flags, type IdMaps, type Plan, type Step, step } from './step.js';
import { openTerminal, ownProcessGroup } from './terminal.js';
import { becomeRoot, becomeUser, noNewPrivileges } from './user.js';

/** The plan that makes what `spec` says out of the host that `facts` describes. Pure. */
export function buildPlan(spec: Spec, facts: PlanFacts, options: PlanOptions): Plan {
  const types = new Set(spec.linux.namespaces.map((each) => each.type));
  const idMaps = idMapsOf(spec, facts);
  return {
    version: 1,
    namespaces: facts.join ? [] : [...types],
    ...(idMaps && !facts.join ? { idMaps } : {}),
    init: [
      ...(facts.join ? joinNamespaces(types) : []),
      // As the caller still, who may enter folders that the container's root, maybe another user, may not.
      ...openStorage(facts),
      ...openVolumes(spec.mounts),
      ...(idMaps && !facts.join ? [step('wait until the ids are mapped', 'await', [])] : []),
      ...(types.has('user') ? becomeRoot(facts) : []),
      ...standAlone(types.has('pid') && !facts.join),
      makePrivate(),
      ...takeFromHost(spec.mounts),
      ...mountRoot(facts, types.has('user')),
      ...pivot(),
      ...mountFiles(facts),
      ...mountAll(spec.mounts, facts),
      ...nameHost(spec),
      ...(types.has('network') ? loopbackUp() : []),
      ...setSysctls(spec.linux.sysctl),
      ...protectKernelPaths(spec.linux.maskedPaths, spec.linux.readonlyPaths, facts),
      ...(spec.process.terminal ? openTerminal(spec.process.user) : []),
      ...(spec.process.cwd === '/'
        ? []
        : ensureDirectory('make the working directory', spec.process.cwd, 'workdir')),
      ...(spec.root.readonly ? [makeRootReadOnly()] : []),
      ...(options.shim ? shimSteps(types.has('pid') && !facts.join) : []),
    ],
    process: processSteps(spec, facts, options),
    program: {
      paths: programPaths(spec),
      argv: spec.process.args,
      env: spec.process.env,
    },
    terminal: spec.process.terminal,
    shim: options.shim,
    verbose: options.verbose,
    signalGroup: options.signalGroup,
    sharedPids: !types.has('pid') || facts.join !== undefined,
    graceMs: options.graceMs,
  };
}

function idMapsOf(spec: Spec, facts: PlanFacts): IdMaps | undefined {
  if (spec.linux.uidMappings.length === 0) return undefined;
  return { uid: spec.linux.uidMappings, gid: spec.linux.gidMappings, helpers: facts.usesMapHelpers };
}

/** setns(2) moves us into a user namespace, but only our children into a PID namespace. */
function joinNamespaces(types: ReadonlySet<NamespaceType>): Step[] {
  const pidfd = constant(String(FD.JOIN), FD.JOIN);
  const own: Partial<Record<NamespaceType, keyof typeof CLONE>> = {
    mount: 'CLONE_NEWNS',
    network: 'CLONE_NEWNET',
    uts: 'CLONE_NEWUTS',
    ipc: 'CLONE_NEWIPC',
    cgroup: 'CLONE_NEWCGROUP',
  };
  const names = [...types].flatMap((type) => own[type] ?? []);
  const joined = types.has('user')
    ? (['CLONE_NEWUSER', 'CLONE_NEWPID'] as const)
    : (['CLONE_NEWPID'] as const);
  return [
    step("enter the other container's user and PID namespaces", 'setns', [pidfd, flags(CLONE, ...joined)]),
    step('get all other namespaces new', 'unshare', [flags(CLONE, ...names)]),
    step('go on in a process that is in the PID namespace', 'refork', []),
  ];
}

/** Ties our life to our parent's, and cuts all other ties to the caller's session. */
function standAlone(isAlone: boolean): Step[] {
  // SIGKILL to PID 1 ends its whole namespace. Among others' processes, PID 1's stand-in must live to end its own.
  const signal = isAlone ? constant('SIGKILL', 9) : constant('SIGTERM', 15);
  const JOIN_SESSION_KEYRING = 1;
  return [
    prctl('die with the monitor', 'PR_SET_PDEATHSIG', 1, signal),
    step("leave the caller's session and its terminal", 'setsid', []),
    step(
      "leave the caller's keyring",
      'keyctl',
      [constant('KEYCTL_JOIN_SESSION_KEYRING', JOIN_SESSION_KEYRING), null],
      {
        ignore: ['ENOSYS', 'EPERM', 'EDQUOT'],
      },
    ),
    step('make files with the usual modes', 'umask', [mode(0o022)]),
  ];
}

function nameHost(spec: Spec): Step[] {
  if (spec.hostname === undefined) return [];
  return [step('name the host', 'sethostname', [spec.hostname, Buffer.byteLength(spec.hostname)])];
}

function shimSteps(isFirst: boolean): Step[] {
  const steps = [prctl('let no process of the container trace PID 1', 'PR_SET_DUMPABLE', 4, 0, 0, 0, 0)];
  if (!isFirst)
    steps.push(prctl('adopt orphans without being PID 1', 'PR_SET_CHILD_SUBREAPER', 36, 1, 0, 0, 0));
  return steps;
}

function processSteps(spec: Spec, facts: PlanFacts, options: PlanOptions): Step[] {
  const { process, linux } = spec;
  const filter = linux.seccomp === undefined ? [] : [loadSeccomp(linux.seccomp)];
  return [
    ...(options.shim ? ownProcessGroup(process.terminal) : []),
    ...setLimits(process.rlimits),
    // Without no_new_privs only a privileged process may load a filter, so then it comes first: seccomp(2).
    ...(process.noNewPrivileges ? [noNewPrivileges()] : filter),
    ...becomeUser(process.user, process.capabilities, facts),
    step('go to the working directory', 'chdir', [process.cwd], {
      advice: { EACCES: 'the user of the process may not enter it', ENOTDIR: 'it is not a directory' },
    }),
    ...(process.noNewPrivileges ? filter : []),
  ];
}

/** Where execvp(3) would look for the program: PATH of the container's environment. */
export function programPaths(spec: Spec): string[] {
  const [program = ''] = spec.process.args;
  if (program.includes('/')) return [program];
  let path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  for (const variable of spec.process.env) {
    if (variable.startsWith('PATH=')) path = variable.slice('PATH='.length);
  }
  return path.split(':').map((directory) => `${directory === '' ? '.' : directory}/${program}`);
}
