import { type CgroupFacts, hierarchyOf, type V1Hierarchy } from './facts.js';
import type { CgroupPath } from './path.js';
import type { Setting, WantedLimit } from './resources.js';
import type { CgroupPlan } from './result.js';
import { enter, makeAll, writes } from './steps.js';

const BESIDES_LIMITS = ['memory', 'pids', 'freezer', 'cpuacct', 'cpu', 'blkio'];

const ROOT_ADVICE =
  "run foster as root, or boot with 'systemd.unified_cgroup_hierarchy=1', so that systemd can delegate cgroups to you";

/** Limits in hierarchies of version 1. The container also gets a cgroup in those that count or freeze, for stats and pause. */
export function planV1(plan: CgroupPlan, limits: WantedLimit[], facts: CgroupFacts, path: CgroupPath): void {
  const usable: [WantedLimit, Setting[]][] = [];
  for (const limit of limits) {
    const hierarchy = hierarchyOf(facts, limit.controllers[0]);
    const settings = settingsIn(limit, hierarchy);
    if ('because' in settings) {
      if (!limit.isOptional) plan.unenforced.push({ option: limit.option, ...settings });
    } else usable.push([limit, settings]);
  }
  const isWanted = ({ controllers }: V1Hierarchy) =>
    controllers.some((name) => BESIDES_LIMITS.includes(name)) ||
    usable.some(([limit]) => controllers.includes(limit.controllers[0]));
  if (limits.length > 0 && usable.length === 0) return;
  if (!facts.v1.some(({ isWritable }) => isWritable)) {
    plan.unenforced.push({ option: '--cgroup-parent', because: ROOT_ONLY, advice: ROOT_ADVICE });
    return;
  }
  for (const hierarchy of facts.v1.filter((each) => each.isWritable && isWanted(each))) {
    const { controllers, cpuset } = hierarchy;
    const folder = makeAll(plan.steps, hierarchy.folder, path, cpuset);
    plan.places.push({ version: 1, controllers, folder, inner: folder });
    for (const [limit, settings] of usable) {
      if (controllers.includes(limit.controllers[0])) plan.steps.push(...writes(folder, limit, settings));
    }
    plan.steps.push(enter(folder, `its cgroup of ${controllers.join(', ')}`));
    if (controllers.includes('memory')) plan.oom = { folder, file: 'memory.oom_control' };
  }
}

const ROOT_ONLY = 'this machine has cgroups of version 1, which only root may use';

function settingsIn(
  { v1, or, controllers }: WantedLimit,
  hierarchy: V1Hierarchy | undefined,
): Setting[] | { because: string; advice: string } {
  if (hierarchy?.isWritable !== true) return { because: ROOT_ONLY, advice: ROOT_ADVICE };
  if ('because' in v1) return { ...v1, advice: 'leave it out' };
  const isThere = ({ file }: Setting) => hierarchy.files.has(file);
  const missing = v1.find((setting) => !isThere(setting));
  if (missing === undefined) return v1;
  if (or?.v1.every(isThere)) return or.v1;
  return {
    because: `this kernel's controller ${controllers[0]} has no file ${missing.file}`,
    advice: missing.file.includes('memsw') ? "boot with 'swapaccount=1'" : 'leave it out',
  };
}
