import type { Arg, HandMount, HostStep, Plan, RunProgram, Step } from './step.js';

/** A step as strace(1) would print it, without its result. */
export function renderStep(step: Step): string {
  if (step.call === 'await') return 'read(control)';
  if (step.call === 'refork') return 'clone(CLONE_PARENT|SIGCHLD)';
  if (step.call === 'orphan') return 'clone(SIGCHLD)';
  const args = step.args.map(renderArg);
  if (step.call === 'file_system') return `fstatfs(${args[0]}) /* f_type must be ${args[1]} */`;
  if (step.call === 'not_on') return `fstat(${args[0]}) /* st_dev must not be that of ${args[1]} */`;
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

/** A text of any length, for people. */
export function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

/** The flags of clone(2) that a plan asks for, as a C programmer would write them. */
export function renderNamespaces(plan: Plan): string {
  const names: Record<string, string> = { mount: 'NS', network: 'NET' };
  const parts = plan.namespaces.map((type) => `CLONE_NEW${names[type] ?? type.toUpperCase()}`);
  return ['CLONE_VM', 'CLONE_VFORK', 'CLONE_PIDFD', ...parts, 'SIGCHLD'].join('|');
}

/** The plan as `--dry-run` prints it: every step with its phase, its call and its reason. */
export function describePlan(plan: Plan): unknown {
  const describe = (phase: string) => (step: Step) => ({
    phase,
    call: renderStep(step),
    why: step.why,
    ...(step.result === undefined ? {} : { result: step.result }),
    ...(step.ignore === undefined ? {} : { ignore: step.ignore }),
  });
  return {
    version: plan.version,
    clone: renderNamespaces(plan),
    init: plan.shim ? 'foster-init' : 'none',
    stopTimeout: plan.graceMs / 1000,
    steps: [
      ...hostSteps(plan).map((shown) => ({ phase: 'foster', ...shown })),
      ...plan.init.map(describe('init')),
      ...plan.process.map(describe('process')),
      { phase: 'process', call: renderExec(plan), why: 'run the program' },
    ],
  };
}

/** A call that is made from outside, and what for. */
export interface ShownCall {
  call: string;
  why: string;
  undo?: string;
}

/** What is done from outside, from the start of PID 1 on. @param pid how it is called */
export function hostSteps(plan: Plan, pid = 'PID'): ShownCall[] {
  const clone = {
    call: `clone(child_stack=..., flags=${renderNamespaces(plan)}) = ${pid}`,
    why: 'start PID 1 (foster-init, from a sealed memory file) in new namespaces',
  };
  return [clone, ...plan.host.flatMap((step) => renderHostStep(step, pid))];
}

/** The calls that a host step comes to. @param pid how PID 1 is called */
export function renderHostStep(step: HostStep, pid = 'PID'): ShownCall[] {
  const { why, undo } = step;
  const shown = (call: string) => [{ call, why, ...(undo !== undefined && { undo }) }];
  switch (step.kind) {
    case 'write':
      return shown(`write(/proc/${pid}/${step.file}, ${JSON.stringify(shorten(step.text))})`);
    case 'run':
      return shown(renderProgram(step, pid));
    case 'start':
      return shown(step.call);
    case 'resume':
      return shown('write(control, "R", 1)');
    case 'hand':
      return renderHanded(step, pid);
  }
}

function renderProgram({ path, args }: RunProgram, pid: string): string {
  const words = args.map((word) => JSON.stringify(typeof word === 'string' ? word : pid));
  return `execve(${JSON.stringify(path)}, [${words.join(', ')}])`;
}

function renderHanded({ source, isDeep, hasDevices, why }: HandMount, pid: string): ShownCall[] {
  const deep = isDeep ? '|AT_RECURSIVE' : '';
  const attributes = `MOUNT_ATTR_IDMAP${hasDevices ? '' : '|MOUNT_ATTR_NODEV'}`;
  return [
    {
      call: `open_tree(AT_FDCWD, ${JSON.stringify(source)}, OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC${deep})`,
      why,
    },
    {
      call: `mount_setattr(mount, "", AT_EMPTY_PATH${deep}, {attr_set=${attributes}, userns_fd=/proc/${pid}/ns/user})`,
      why: 'give its files to the users of the container: user N of the machine is user N in there',
    },
    {
      call: 'sendmsg(control, {msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=[mount]}]})',
      why: 'hand it to PID 1, which may not do that itself',
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
