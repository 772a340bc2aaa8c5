import { parseRunArguments } from '../../../src/cli/container/run.js';
import { buildPlan } from '../../../src/plan/build.js';
import type { PlanFacts, PlanOptions } from '../../../src/plan/facts.js';
import { renderStep } from '../../../src/plan/render.js';
import type { Plan, Step } from '../../../src/plan/step.js';
import { buildSpec, type SpecFacts } from '../../../src/spec/from-request.js';
import type { Spec } from '../../../src/spec/types.js';

const MAP = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1, hostID: 100_000, size: 65_536 },
];

/** Differences from a plain container of an unprivileged user on a usual host. */
export interface PlanConditions {
  spec?: Partial<SpecFacts>;
  facts?: Partial<PlanFacts>;
  options?: Partial<PlanOptions>;
}

/** The plan of `foster run FLAGS busybox true` on an imaginary host. */
export function planFor(flags: string[], circumstances: PlanConditions = {}): Plan {
  const { spec, facts, options } = planParts(flags, circumstances);
  return buildPlan(spec, facts, options);
}

/** The parts of that plan. */
export function planParts(
  flags: string[],
  { spec, facts, options }: PlanConditions = {},
): { spec: Spec; facts: PlanFacts; options: PlanOptions } {
  const request = parseRunArguments([...flags, 'busybox', 'true'], {
    cwd: '/home/ann',
    env: {},
    exists: () => true,
    readText: () => '',
  });
  const built = buildSpec(request, {
    id: 'ab'.repeat(32),
    hostname: 'machine',
    rootPath: '/roots/busybox',
    user: { uid: 0, gid: 0, additionalGids: [], home: '/root', name: 'root' },
    uidMappings: MAP,
    gidMappings: MAP,
    architecture: process.arch,
    callerIsRoot: false,
    volumes: new Map(
      request.mounts
        .filter(({ type }) => type === 'volume')
        .map((mount) => [
          mount.destination,
          { ...mount, type: 'bind', source: `/volumes${mount.destination}` },
        ]),
    ),
    ...spec,
  });
  const world: PlanFacts = {
    storage: { driver: 'overlay', layers: ['/roots/busybox'], container: '/containers/ab' },
    canSetGroups: true,
    mapHelpers: { uid: '/usr/bin/newuidmap', gid: '/usr/bin/newgidmap' },
    isCallerMapped: true,
    files: [],
    accounts: [],
    directories: new Set(),
    guarded: new Set(),
    kernelPaths: new Map([
      ['/proc/kcore', 'file'],
      ['/proc/acpi', 'directory'],
      ['/proc/sys', 'directory'],
    ]),
    ...facts,
  };
  const usual = { shim: request.init, verbose: false, signalGroup: false, counts: false, graceMs: 10_000 };
  return { spec: built, facts: world, options: { ...usual, ...options } };
}

/** All steps as printed by strace, PID 1's first. */
export function calls(plan: Plan): string[] {
  return steps(plan).map(renderStep);
}

export function steps(plan: Plan): Step[] {
  return [...plan.init, ...plan.process];
}

/**
 * The position of each matching call, one after the other: if the list is sorted, the order is right. Throws if one
 * does not occur.
 */
export function positions(plan: Plan, patterns: RegExp[]): number[] {
  const all = calls(plan);
  return patterns.map((pattern) => {
    const at = all.findIndex((call) => pattern.test(call));
    if (at < 0) throw new Error(`no step matches ${pattern} among:\n${all.join('\n')}`);
    return at;
  });
}
