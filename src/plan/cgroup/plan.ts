import type { Spec } from '../../spec/types.js';
import { type CgroupFacts, hierarchyOf } from './facts.js';
import { pathOf } from './path.js';
import { changedLimits, wantedLimits } from './resources.js';
import type { CgroupPlan } from './result.js';
import { planV1 } from './v1.js';
import { planV2 } from './v2.js';

/** The part of a Spec that is about its cgroup. */
export type LimitedCgroup = Pick<Spec['linux'], 'resources' | 'cgroupsPath'>;

/** Whether the container needs its own cgroup. */
export function wantsCgroup({ resources, cgroupsPath }: LimitedCgroup): boolean {
  return cgroupsPath !== undefined || (resources !== undefined && wantedLimits(resources).length > 0);
}

/**
 * The host steps that make the container's cgroups, set its limits and put PID 1 into them. A pure function.
 * @param id of the container
 * @param options `isChange`: the cgroup exists, and may have limits that must be removed
 */
export function planCgroups(
  linux: LimitedCgroup,
  facts: CgroupFacts,
  id: string,
  { isChange = false } = {},
): CgroupPlan {
  const plan: CgroupPlan = { steps: [], places: [], unenforced: [] };
  const limits = (isChange ? changedLimits : wantedLimits)(linux.resources ?? {});
  if (limits.length === 0 && linux.cgroupsPath === undefined) return plan;
  const old = limits.filter(({ controllers }) => hierarchyOf(facts, controllers[0]) !== undefined);
  const rest = limits.filter((limit) => !old.includes(limit));
  const path = pathOf(linux.cgroupsPath, id);
  const hasV1 = old.length > 0 || (limits.length === 0 && facts.v1.some(({ isWritable }) => isWritable));
  if (hasV1) planV1(plan, old, facts, path);
  if (rest.length > 0 || !hasV1) planV2(plan, rest, facts, path, id);
  return plan;
}
