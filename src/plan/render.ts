import type { Arg, CgroupStep, HandMount, HostStep, Plan, RunProgram, Step } from './step.js';

/** A step as strace(1) would print it, without its result. */
export function renderStep(step: Step): string {
  if (step.call === 'await') return 'read(control)';
  if (step.call === 'refork') return 'clone(CLONE_PARENT|SIGCHLD)';
  if (step.call === 'renew')
    return step.args[0] === 0
      ? 'execve("/proc/self/exe", ["foster-init"])'
      : 'execveat(foster-init, "", ["foster-init"], AT_EMPTY_PATH)';
  if (step.call === 'orphan') return 'clone(SIGCHLD)';
  const args = step.args.map(renderArg);
  if (step.call === 'file_system') return `fstatfs(${args[0]}) /* f_type must be ${args[1]} */`;
  if (step.call === 'not_on') return `fstat(${args[0]}) /* st_dev must not be that of ${args[1]} */`;
  if (step.call === 'netlink') return args[0] ?? '';
  if (step.call === 'mount_of')
    return `open_tree(${args[1]}, OPEN_TREE_CLONE) /* in the mount namespace of ${args[0]} */`;
  return `${step.call}(${args.join(', ')})`;
}

function renderArg(arg: Arg): string {
  if (arg === null) return 'NULL';
  if (typeof arg === 'number') return String(arg);
  if (typeof arg === 'string') return JSON.stringify(shorten(arg));
  if ('result' in arg) return arg.result;
  if ('addressOf' in arg) return `&${arg.addressOf}`;
  return arg.text;
}

const LONGEST = 120;

/** Cuts a text that is too long to print. */
export function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

/** The flags for the clone(2) of a plan, as in a C program. */
export function renderNamespaces(plan: Plan): string {
  const names: Record<string, string> = { mount: 'NS', network: 'NET' };
  const parts = plan.namespaces.map((type) => `CLONE_NEW${names[type] ?? type.toUpperCase()}`);
  return ['CLONE_VM', 'CLONE_VFORK', 'CLONE_PIDFD', ...parts, 'SIGCHLD'].join('|');
}

/** A step as it is printed, and who does it: foster from outside, PID 1, or the user's process. */
export interface PlannedStep {
  phase: 'foster' | 'init' | 'process';
  call: string;
  why: string;
  undo?: string;
  result?: string;
  ignore?: string[];
}

/** All steps of a plan, from the clone of PID 1 to the program's execve(2). */
export function plannedSteps(plan: Plan): PlannedStep[] {
  const describe =
    (phase: 'init' | 'process') =>
    (step: Step): PlannedStep => ({
      phase,
      call: renderStep(step),
      why: step.why,
      ...(step.result === undefined ? {} : { result: step.result }),
      ...(step.ignore === undefined ? {} : { ignore: step.ignore }),
    });
  return [
    ...renderHostSteps(plan).map((shown): PlannedStep => ({ phase: 'foster', ...shown })),
    ...plan.init.map(describe('init')),
    ...plan.process.map(describe('process')),
    { phase: 'process', call: renderExec(plan), why: 'run the program' },
  ];
}

/** The plan in the format of `--dry-run`: every step with its phase, its call and its reason. */
export function describePlan(plan: Plan): unknown {
  return {
    version: plan.version,
    clone: renderNamespaces(plan),
    init: plan.shim ? 'foster-init' : 'none',
    stopTimeout: plan.graceMs / 1000,
    steps: plannedSteps(plan),
  };
}

/** A call that is made from outside, and its purpose. */
export interface RenderedCall {
  call: string;
  why: string;
  undo?: string;
}

/** All calls that are made from outside, beginning with the clone of PID 1. @param pid how PID 1's PID is printed */
export function renderHostSteps(plan: Plan, pid = 'PID'): RenderedCall[] {
  const clone = {
    call: `clone(child_stack=..., flags=${renderNamespaces(plan)}) = ${pid}`,
    why: 'start PID 1 (foster-init, from a sealed memory file) in new namespaces',
  };
  return [clone, ...plan.host.flatMap((step) => renderHostStep(step, pid))];
}

/** The calls of a host step. @param pid how PID 1's PID is printed */
export function renderHostStep(step: HostStep, pid = 'PID'): RenderedCall[] {
  const { why, undo } = step;
  const shown = (call: string) => [{ call, why, ...(undo !== undefined && { undo }) }];
  switch (step.kind) {
    case 'write':
      return shown(`write(/proc/${pid}/${step.file}, ${JSON.stringify(shorten(step.text))})`);
    case 'run':
      return shown(renderProgram(step, pid));
    case 'start':
      return shown(step.call);
    case 'netlink':
      return shown(step.call);
    case 'resume':
      return shown('write(control, "R", 1)');
    case 'hand':
      return renderHanded(step, pid);
    case 'cgroup':
      return shown(renderCgroup(step, pid));
  }
}

function renderProgram({ path, args }: RunProgram, pid: string): string {
  const words = args.map((word) => JSON.stringify(typeof word === 'string' ? word : pid));
  return `execve(${JSON.stringify(path)}, [${words.join(', ')}])`;
}

function renderCgroup(step: CgroupStep, pid: string): string {
  const path = (file: string) => JSON.stringify(`${step.folder}/${file}`);
  switch (step.action) {
    case 'make':
    case 'make-shared':
      return `mkdir(${JSON.stringify(step.folder)}, 0755)`;
    case 'write':
      return `write(${path(step.file)}, ${JSON.stringify(shorten(step.text))})`;
    case 'enter':
      return `write(${path('cgroup.procs')}, "${pid}")`;
    case 'move-all':
      return `write("${step.to}/cgroup.procs", each of ${path('cgroup.procs')})`;
    case 'await':
      return `read(/proc/${pid}/cgroup) /* until it has ${JSON.stringify(step.folder)} */`;
  }
}

function renderHanded(
  { source, beneath, isDeep, allowsDevices, why }: HandMount,
  pid: string,
): RenderedCall[] {
  const deep = isDeep ? '|AT_RECURSIVE' : '';
  const attributes = `MOUNT_ATTR_IDMAP${allowsDevices ? '' : '|MOUNT_ATTR_NODEV'}`;
  const how = '{flags=O_PATH|O_CLOEXEC, resolve=RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS}';
  const opened = beneath && [
    { call: `openat(AT_FDCWD, ${JSON.stringify(beneath.top)}, O_PATH|O_DIRECTORY|O_CLOEXEC)`, why },
    {
      call: `openat2(top, ${JSON.stringify(beneath.path)}, ${how}, 24)`,
      why: 'links there are not followed',
    },
  ];
  const from = beneath ? 'part, ""' : `AT_FDCWD, ${JSON.stringify(source)}`;
  return [
    ...(opened ?? []),
    {
      call: `open_tree(${from}, ${beneath ? 'AT_EMPTY_PATH|' : ''}OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC${deep})`,
      why,
    },
    {
      call: `mount_setattr(mount, "", AT_EMPTY_PATH${deep}, {attr_set=${attributes}, userns_fd=/proc/${pid}/ns/user})`,
      why: 'shift the ids of its files: user N of the host is user N of the container',
    },
    {
      call: 'sendmsg(control, {msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=[mount]}]})',
      why: 'send it to PID 1, which may not make such a mount itself',
    },
  ];
}

/** The final execve(2) of the user's process. */
export function renderExec(plan: Plan): string {
  const argv = plan.program.argv.map((text) => JSON.stringify(shorten(text))).join(', ');
  const [first] = plan.program.paths;
  const more =
    plan.program.paths.length > 1 ? ` /* or the next of ${plan.program.paths.length} in PATH */` : '';
  return `execve(${JSON.stringify(first)}${more}, [${argv}], [${plan.program.env.length} variables])`;
}
