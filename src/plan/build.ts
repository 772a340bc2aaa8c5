import type { NamespaceType, Spec } from '../spec/types.js';
import { ensureDirectory, prctl } from './calls.js';
import { newCgroupNamespace } from './cgroup/enter.js';
import type { PlanFacts, PlanOptions } from './facts.js';
import { handMounts } from './handed-mounts.js';
import { mapIds } from './id-maps.js';
import { copyFromHost, followsHost, isLinked, type Mounted, mountAll, openVolumes } from './mounts.js';
import {
  clonedTypes,
  joinByPath,
  namespaceFlag,
  nestNamespaces,
  newClocks,
  renewLast,
  sharesPids,
} from './namespaces.js';
import { attachNetworks, configureNetworks, loopbackUp, startPasta } from './network.js';
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
import { constant, type Flags, type HostStep, type Plan, type Step, step } from './step.js';
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
  const joined = new Set<NamespaceType>(facts.share?.types);
  const isSeen = sharesPids(facts.share);
  const isAlone = types.has('pid') && !isSeen;
  const isMember = isSeen && facts.share?.isPod === true;
  // The cgroup namespace is made when PID 1 is in its cgroup.
  const created = clonedTypes(linux.namespaces).filter((type) => type !== 'cgroup' || !isInCgroup);
  const namespaces = isNested ? [] : created;
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
      ...(isNested ? nestNamespaces(created, facts.share) : []),
      ...joinByPath(linux.namespaces),
      ...(isNew(spec, 'time') ? newClocks(linux.timeOffsets) : []),
      ...adjustOomScore(process),
      // While it is still the caller, who can enter folders that the container's root, maybe another user, cannot.
      ...openStorage(facts),
      ...openVolumes(spec.mounts, facts),
      ...awaitHost(prepared),
      ...(facts.network && isSeen ? configureNetworks(facts.network) : []),
      ...(isInCgroup && isNew(spec, 'cgroup') && !joined.has('cgroup') ? [newCgroupNamespace()] : []),
      ...(types.has('user') && isRootMapped(spec) ? becomeRoot(facts) : []),
      ...(isSeen ? [denyTracing()] : []),
      ...detachFromCaller(deathSignal(isAlone, options)),
      isolateMounts(follows),
      ...copyFromHost(spec.mounts, linux, facts),
      ...mountRoot(facts),
      ...pivotRoot(),
      ...(follows && !isLinked(linux.rootfsPropagation) ? [keepRootPrivate()] : []),
      ...mountFiles(facts, spec.root.readonly),
      ...addAccounts(facts),
      ...linkMtab(facts),
      ...mountAll(spec.mounts, linux, facts, mounted, follows),
      ...(joined.has('uts') ? [] : nameHost(spec)),
      ...(isNew(spec, 'network') && !joined.has('network') ? loopbackUp() : []),
      ...(process.terminal
        ? openTerminal(process, { devpts: mounted.at.get('/dev/pts'), dev: mounted.dev })
        : []),
      ...(process.cwd === '/' ? [] : ensureDirectory('make the working directory', process.cwd, 'workdir')),
      ...(spec.root.readonly ? [makeRootReadOnly(facts)] : []),
      ...propagateRoot(linux.rootfsPropagation),
      ...(isMember && options.shim ? [renewLast()] : []),
      ...(options.shim ? shimSteps({ adopts: !isAlone && !isMember }) : []),
    ],
    process: options.isIdle
      ? []
      : processSteps(spec, facts, { shim: options.shim, dies: !options.shim || isMember }),
    program: options.isIdle
      ? { paths: [], argv: [], env: [] }
      : { paths: programPaths(spec), argv: spec.process.args, env: spec.process.env },
    terminal: spec.process.terminal,
    shim: options.shim,
    verbose: options.verbose,
    signalGroup: options.signalGroup,
    counts: options.counts,
    sharedPids: !isAlone,
    ...(isSeen && { joinsPids: true }),
    ...(isMember && { isMember }),
    ...(options.isIdle && { isIdle: true }),
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
    ...(uid.length > 0 && !facts.share
      ? mapIds({ uid, gid }, { helpers, canSetGroups, fromAbove: facts.network !== undefined })
      : []),
    ...(facts.network ? attachNetworks(facts.network, { isSeen: sharesPids(facts.share) }) : []),
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

/** @param options.adopts orphans come to it although it is not PID 1 */
function shimSteps({ adopts }: { adopts: boolean }): Step[] {
  const steps = [
    prctl('keep processes of the container from tracing PID 1', 'PR_SET_DUMPABLE', 4, 0, 0, 0, 0),
  ];
  if (adopts)
    steps.push(prctl('adopt orphans without being PID 1', 'PR_SET_CHILD_SUBREAPER', 36, 1, 0, 0, 0));
  return steps;
}
