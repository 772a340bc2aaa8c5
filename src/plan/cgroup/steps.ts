import type { CgroupStep, HostStep } from '../step.js';
import type { V1Hierarchy } from './facts.js';
import type { CgroupPath } from './path.js';
import type { Setting, WantedLimit } from './resources.js';

/** Host steps for cgroups. */

/** The steps that make a cgroup with its parents. Returns its path. */
export function makeAll(
  steps: HostStep[],
  base: string,
  { parents, name }: CgroupPath,
  cpuset?: V1Hierarchy['cpuset'],
): string {
  let folder = base;
  for (const [index, part] of [...parents, name].entries()) {
    folder = `${folder}/${part}`;
    const isShared = index < parents.length;
    steps.push(make(folder, isShared));
    if (cpuset === undefined) continue;
    const why = 'let it use all CPUs at first: a new cgroup of cpuset has none';
    steps.push(write(folder, { file: 'cpuset.cpus', text: cpuset.cpus }, why));
    steps.push(write(folder, { file: 'cpuset.mems', text: cpuset.mems }, why));
  }
  return folder;
}

export function make(folder: string, isShared: boolean): CgroupStep {
  return {
    kind: 'cgroup',
    action: isShared ? 'make-shared' : 'make',
    folder,
    why: `make the cgroup ${folder}`,
    undo: isShared ? 'remove it if nothing else is in it' : 'remove it',
    advice: { EBUSY: 'processes of an earlier run are in it: see its cgroup.procs', ...PERMISSION },
  };
}

const PERMISSION = { EACCES: 'it belongs to somebody else', EROFS: 'cgroups are mounted read-only here' };

export function write(
  folder: string,
  { file, text }: Setting,
  why: string,
  more: WantedLimit['advice'] = {},
): CgroupStep {
  const advice = {
    EINVAL: 'the kernel does not accept that value',
    ERANGE: 'the kernel does not accept that value',
    ENOENT: 'this kernel does not have that limit',
    ENODEV: 'there is no such device',
    EBUSY: 'processes are in a cgroup whose children shall have limits',
    ...PERMISSION,
    ...more,
  };
  return { kind: 'cgroup', action: 'write', folder, file, text, why, advice };
}

export function writes(
  folder: string,
  { why, option, advice }: WantedLimit,
  settings: Setting[],
): CgroupStep[] {
  return settings.map((setting) => write(folder, setting, `${why} (${option})`, advice));
}

export function enter(folder: string, what: string): CgroupStep {
  return { kind: 'cgroup', action: 'enter', folder, why: `put PID 1 into ${what}`, advice: PERMISSION };
}

export function moveAll(folder: string, to: string): CgroupStep {
  const why = 'move the processes of your cgroup to one below it: only then can others below it have limits';
  return { kind: 'cgroup', action: 'move-all', folder, to, why, advice: PERMISSION };
}
