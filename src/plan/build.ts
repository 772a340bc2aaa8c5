import type { NamespaceType, Spec } from '../spec/types.js';
import { ensureDirectory, prctl } from './calls.js';
import { newCgroupNamespace } from './cgroup/enter.js';
import { CLONE } from './constants.js';
import { FD, type PlanFacts, type PlanOptions } from './facts.js';
import { handMounts } from './handed-mounts.js';
import { mapIds } from './id-maps.js';
import { copyFromHost, followsHost, isLinked, type Mounted, mountAll, openVolumes } from './mounts.js';
import { clonedTypes, joinByPath, namespaceFlag, nestNamespaces, newClocks } from './namespaces.js';
import { attachNetworks, loopbackUp, startPasta } from './network.js';
import {
  adjustOomScore,
  denyTracing,
  detachFromCaller,
  processSteps,
  programPaths,
  SIGKILL,
} from './process.js';
import {
  addAccounts,
  isolateMounts,
  keepRootPrivate,
  linkMtab,
  makeRootReadOnly,
  mountFiles,
  mountRoot,
  openStorage,
  pivotRoot,
  propagateRoot,
  startStorage,
} from './rootfs.js';
import { constant, type Flags, flags, type HostStep, type Plan, type Step, step } from './step.js';
import { openTerminal } from './terminal.js';
import { becomeRoot } from './user.js';

/** The plan for a container as in `spec`, on a host as in `facts`. A pure function. */
export function buildPlan(spec: Spec, facts: PlanFacts, options: PlanOptions): Plan {
  const types = new Set(spec.linux.namespaces.map((each) => each.type));
  for (const type of types) namespaceFlag(type); // check early: running the plan would find out too late
  const mounted: Mounted = { at: new Map(), kernelPaths: [] };
  const { linux, process } = spec;
  const follows = followsHost(spec);
  const isInCgroup = (facts.cgroup?.steps.length ?? 0) > 0;
  const isNested = facts.network !== undefined || facts.share !== undefined;
  // The cgroup namespace is made when PID 1 is in its cgroup.
  const created = clonedTypes(linux.namespaces).filter((type) => type !== 'cgroup' || !isInCgroup);
  const namespaces = facts.join || isNested ? [] : created;
  const prepared = prepare(spec, facts, created);
  return {
    version: 1,
    namespaces,
    isNested,
    host: [...prepared, ...resume(prepared), ...handMounts(spec.mounts, facts)],
    ...(facts.cgroup && {
      cgroup: { places: facts.cgroup.places, ...(facts.cgroup.oom && { oom: facts.cgroup.oom }) },
    }),
    init: [
      // Otherwise the process that continues after a refork would be outside of the cgroup.
      ...(facts.join && isInCgroup ? awaitHost(prepared) : []),
      ...(facts.join ? joinNamespaces(types) : isNested ? nestNamespaces(created, facts.share) : []),
      ...joinByPath(linux.namespaces),
      ...(isNew(spec, 'time') ? newClocks(linux.timeOffsets) : []),
      ...adjustOomScore(process),
      // While it is still the caller, who can enter folders that the container's root, maybe another user, cannot.
      ...openStorage(facts),
      ...openVolumes(spec.mounts, facts),
      ...(facts.join && isInCgroup ? [] : awaitHost(prepared)),
      ...(isInCgroup && !facts.join && isNew(spec, 'cgroup') ? [newCgroupNamespace()] : []),
      ...(types.has('user') && isRootMapped(spec) ? becomeRoot(facts) : []),
      ...(facts.join ? [denyTracing()] : []),
      ...detachFromCaller(deathSignal(types.has('pid') && !facts.join, options)),
      isolateMounts(follows),
      ...copyFromHost(spec.mounts, linux, facts),
      ...mountRoot(facts),
      ...pivotRoot(),
      ...(follows && !isLinked(linux.rootfsPropagation) ? [keepRootPrivate()] : []),
      ...mountFiles(facts, spec.root.readonly),
      ...addAccounts(facts),
      ...linkMtab(facts),
      ...mountAll(spec.mounts, linux, facts, mounted, follows),
      ...nameHost(spec),
      ...(isNew(spec, 'network') ? loopbackUp() : []),
      ...(process.terminal
        ? openTerminal(process, { devpts: mounted.at.get('/dev/pts'), dev: mounted.dev })
        : []),
      ...(process.cwd === '/' ? [] : ensureDirectory('make the working directory', process.cwd, 'workdir')),
      ...(spec.root.readonly ? [makeRootReadOnly(facts)] : []),
      ...propagateRoot(linux.rootfsPropagation),
      ...(options.shim ? shimSteps(types.has('pid') && !facts.join) : []),
    ],
    process: processSteps(spec, facts, { shim: options.shim, dies: !options.shim }),
    program: {
      paths: programPaths(spec),
      argv: spec.process.args,
      env: spec.process.env,
    },
    terminal: spec.process.terminal,
    shim: options.shim,
    verbose: options.verbose,
    signalGroup: options.signalGroup,
    counts: options.counts,
    sharedPids: !types.has('pid') || facts.join !== undefined,
    graceMs: options.graceMs,
    ...(options.kept && { kept: options.kept }),
  };
}

/** Host steps before PID 1 continues: it cannot map its own ids, and fuse-overlayfs must not be its child. */
function prepare({ linux }: Spec, facts: PlanFacts, namespaces: readonly string[]): HostStep[] {
  const { uidMappings: uid, gidMappings: gid } = linux;
  const { mapHelpers: helpers, canSetGroups } = facts;
  return [
    ...(facts.cgroup?.steps ?? []),
    ...(uid.length > 0 && !facts.join && !facts.share
      ? mapIds({ uid, gid }, { helpers, canSetGroups, fromAbove: facts.network !== undefined })
      : []),
    ...(facts.network ? attachNetworks(facts.network) : []),
    ...(facts.pasta ? startPasta(facts.pasta) : []),
    ...startStorage(facts, namespaces.includes('user')),
  ];
}

function resume(prepared: readonly HostStep[]): HostStep[] {
  return prepared.length === 0 ? [] : [{ kind: 'resume', why: 'let PID 1 continue' }];
}

function awaitHost(prepared: readonly HostStep[]): Step[] {
  const programs = prepared.flatMap((each) => (each.kind === 'start' ? each.name : []));
  if (programs.length > 0) return [step(`wait until ${programs.join(' and ')} is ready`, 'await', [])];
  if (prepared.length === 0) return [];
  const isMapped = prepared.some(({ kind }) => kind === 'run' || kind === 'write');
  return [step(isMapped ? 'wait until the ids are mapped' : 'wait until it is in its cgroup', 'await', [])];
}

/**
 * If only the caller's own id is mapped (--userns keep-id), nobody can become root; being root is not necessary then.
 */
function isRootMapped({ linux }: Spec): boolean {
  return [linux.uidMappings, linux.gidMappings].every((map) =>
    map.some(({ containerID }) => containerID === 0),
  );
}

/** setns(2) moves a process into a user namespace, but only its children into a PID namespace. */
function joinNamespaces(types: ReadonlySet<NamespaceType>): Step[] {
  const pidfd = constant(String(FD.JOIN), FD.JOIN);
  const names = [...types].filter((type) => type !== 'user' && type !== 'pid').map(namespaceFlag);
  const joined = types.has('user')
    ? (['CLONE_NEWUSER', 'CLONE_NEWPID'] as const)
    : (['CLONE_NEWPID'] as const);
  return [
    // Before processes of that container can see this one, which is still in the host's mount namespace: CVE-2016-9962.
    denyTracing(),
    step("enter the other container's user and PID namespaces", 'setns', [pidfd, flags(CLONE, ...joined)]),
    step('create the other namespaces', 'unshare', [flags(CLONE, ...names)]),
    step('continue in a process inside the PID namespace', 'refork', []),
  ];
}

/**
 * The signal at the monitor's death. SIGKILL to PID 1 ends its whole namespace. In a shared namespace, PID 1's stand-in
 * must survive to end its own processes.
 */
function deathSignal(isAlone: boolean, options: PlanOptions): Flags {
  return isAlone || !options.shim ? SIGKILL : constant('SIGTERM', 15);
}

function nameHost({ hostname, domainname }: Spec): Step[] {
  const named = (call: string, name: string | undefined) =>
    name === undefined ? [] : [step('set the host name', call, [name, Buffer.byteLength(name)])];
  return [...named('sethostname', hostname), ...named('setdomainname', domainname)];
}

/** Whether the container gets a new namespace of this type. */
function isNew({ linux }: Spec, wanted: NamespaceType): boolean {
  return linux.namespaces.some(({ type, path }) => type === wanted && path === undefined);
}

function shimSteps(isFirst: boolean): Step[] {
  const steps = [
    prctl('keep processes of the container from tracing PID 1', 'PR_SET_DUMPABLE', 4, 0, 0, 0, 0),
  ];
  if (!isFirst)
    steps.push(prctl('adopt orphans without being PID 1', 'PR_SET_CHILD_SUBREAPER', 36, 1, 0, 0, 0));
  return steps;
}
