import type { CgroupPlace, HostStep } from '../step.js';
import type { CgroupFacts, SystemdManager, V2Base, V2Hierarchy } from './facts.js';
import type { CgroupPath } from './path.js';
import type { Setting, WantedLimit } from './resources.js';
import type { CgroupPlan, Unenforced } from './result.js';
import { enter, make, makeAll, moveAll, write, writes } from './steps.js';
import { startScope } from './systemd.js';

/** Controllers that are enabled even without a limit, for stats and for limits of `foster update`. */
const BESIDES_LIMITS = ['cpu', 'io', 'memory', 'pids'];

/** Limits in the hierarchy of version 2: in a cgroup that is delegated to the caller, or in a scope of their systemd. */
export function planV2(
  plan: CgroupPlan,
  limits: WantedLimit[],
  facts: CgroupFacts,
  path: CgroupPath,
  id: string,
): void {
  const usable = limits.filter((limit) => {
    if (Array.isArray(limit.v2)) return true;
    if (!limit.isOptional)
      plan.unenforced.push({ option: limit.option, ...limit.v2, advice: 'leave it out' });
    return false;
  });
  const needed = [...new Set(usable.map(({ controllers }) => controllers[1]))];
  const { v2 } = facts;
  const base = v2 && baseFor(v2.bases, needed);
  const manager =
    base === undefined && v2?.manager && hasAll(v2.manager.controllers, needed) ? v2.manager : undefined;
  const options = usable.filter(({ isOptional }) => !isOptional).map(({ option }) => option);
  if (v2 === undefined || (base === undefined && manager === undefined)) {
    const reason = reasonFor(facts, needed);
    for (const option of options.length > 0 ? options : limits.length > 0 ? [] : ['--cgroup-parent'])
      plan.unenforced.push({ option, ...reason });
    return;
  }
  if (limits.length > 0 && usable.length === 0) return;
  const offered = base?.controllers ?? manager?.controllers ?? [];
  const enabled = [...new Set([...needed, ...BESIDES_LIMITS.filter((name) => offered.includes(name))])];
  const { steps } = plan;
  let folder: string;
  let unit: CgroupPlace['unit'];
  if (base !== undefined) {
    if (!hasAll(base.enabled, enabled) && base.hasProcesses && !base.isTop) {
      const leaf = `${base.folder}/foster-callers`;
      steps.push(make(leaf, true), moveAll(base.folder, leaf));
    }
    folder = makeAll(steps, base.folder, path);
  } else {
    const { scope, own } = startScope(manager as SystemdManager, path.slice, id);
    steps.push(...own, {
      kind: 'cgroup',
      action: 'await',
      folder: `0::${scope}`,
      why: 'wait until systemd has put PID 1 into its scope',
    });
    folder = makeAll(steps, `${v2.folder}${scope}`, { parents: [], name: 'limited' });
    const { busctl, address } = manager as SystemdManager;
    unit = { busctl, address, name: `foster-${id}.scope`, inner: '/limited/container' };
  }
  const inner = `${folder}/container`;
  // The processes are in a cgroup below the limits, so that they cannot change them even if they see their own cgroup.
  steps.push(make(inner, false), enter(inner, 'its cgroup'));
  enableFor(steps, base?.folder ?? `${folder}/..`, base, enabled, path, folder);
  for (const limit of usable) steps.push(...writes(folder, limit, settingsOf(limit, v2)));
  plan.places.push({ version: 2, controllers: enabled, folder, inner, ...(unit && { unit }) });
  if (enabled.includes('memory')) plan.oom = { folder, file: 'memory.events' };
}

/** Those of the limit, unless the kernel has only the other files. */
function settingsOf({ v2, or }: WantedLimit, { files }: V2Hierarchy): Setting[] {
  const settings = v2 as Setting[];
  const isThere = ({ file }: Setting) => files.has(file);
  return or?.v2.every(isThere) && !settings.every(isThere) ? or.v2 : settings;
}

/** Enables controllers in each parent, from the top. */
function enableFor(
  steps: HostStep[],
  top: string,
  base: V2Base | undefined,
  needed: string[],
  { parents }: CgroupPath,
  folder: string,
): void {
  if (needed.length === 0) return;
  const text = needed.map((name) => `+${name}`).join(' ');
  const why = `let cgroups have limits of ${needed.join(', ')}`;
  const above = base === undefined ? [folder.slice(0, folder.lastIndexOf('/'))] : [];
  if (base !== undefined) {
    if (!hasAll(base.enabled, needed)) above.push(top);
    let parent = top;
    for (const part of parents) {
      parent = `${parent}/${part}`;
      above.push(parent);
    }
  }
  for (const each of above) steps.push(write(each, { file: 'cgroup.subtree_control', text }, why));
}

function hasAll(all: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((name) => all.includes(name));
}

/** The cgroup to make others in: one whose processes need not be moved, if possible. */
function baseFor(bases: readonly V2Base[], needed: string[]): V2Base | undefined {
  const able = bases.filter(({ controllers }) => hasAll(controllers, needed));
  const isFree = ({ enabled, hasProcesses, isTop }: V2Base) =>
    hasAll(enabled, needed) || !hasProcesses || isTop;
  return able.find(isFree) ?? able[0];
}

/** With this, systemd delegates all controllers to users: systemd.resource-control(5). */
export const DELEGATION = {
  file: '/etc/systemd/system/user@.service.d/delegate.conf',
  lines: ['[Service]', 'Delegate=cpu cpuset io memory pids'],
} as const;

/** Why version 2 cannot enforce limits here. */
function reasonFor({ v2, uid, isRoot, v1 }: CgroupFacts, needed: string[]): Omit<Unenforced, 'option'> {
  const missing = needed.filter((name) => !v2?.controllers.includes(name));
  if (v2 === undefined || missing.length > 0) {
    const because =
      v2 === undefined && v1.length === 0
        ? 'no cgroups are mounted at /sys/fs/cgroup'
        : `this machine has no cgroup controller ${missing.join(', ') || needed.join(', ')}`;
    return { because, advice: 'mount them, or enable them with the options of the kernel' };
  }
  if (isRoot)
    return { because: 'the cgroups at /sys/fs/cgroup are read-only', advice: 'mount them writable' };
  const { manager } = v2;
  if (manager === undefined)
    return {
      because:
        'the cgroups of version 2 belong to root, and no systemd of yours is running that could delegate one to you',
      advice: `log in by ssh, at a console or with 'machinectl shell', so that /run/user/${uid}/bus exists`,
    };
  const undelegated = needed.filter((name) => !manager.controllers.includes(name));
  return {
    because: `systemd does not delegate the cgroup controller ${undelegated.join(', ')} to you`,
    advice:
      `as root, write ${DELEGATION.lines.map((line) => `'${line}'`).join(' and ')} on two lines to ` +
      `${DELEGATION.file}, run 'systemctl daemon-reload', and log in again`,
  };
}
