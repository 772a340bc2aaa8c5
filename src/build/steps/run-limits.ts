import { cgroupFacts } from '../../container/cgroup-facts.js';
import { refuseUnenforced } from '../../container/cgroups.js';
import { type LimitedCgroup, planCgroups, wantsCgroup } from '../../plan/cgroup/plan.js';
import type { CgroupPlan } from '../../plan/cgroup/result.js';
import type { Limits } from '../../spec/request.js';

/**
 * Whether the limits of RUN can be enforced here.
 * @throws FosterError if not, unless that is allowed; then it is told as a warning, once for the whole build
 */
export function checkLimits({ resources, cgroupParent, ignoresUnenforced }: Limits): void {
  const linux = { resources, ...(cgroupParent && { cgroupsPath: `${cgroupParent}/foster-build` }) };
  refuseUnenforced(runCgroup(linux, 'build')?.unenforced ?? [], ignoresUnenforced);
}

/** The cgroup of the container of a RUN; none where there are no limits. */
export function runCgroup(linux: LimitedCgroup, id: string): CgroupPlan | undefined {
  return wantsCgroup(linux) ? planCgroups(linux, cgroupFacts(), id) : undefined;
}
