import type { Arg, Plan, Step } from './step.js';

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

function shorten(text: string): string {
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
    idMaps: plan.idMaps ?? null,
    init: plan.shim ? 'foster-init' : 'none',
    stopTimeout: plan.graceMs / 1000,
    steps: [
      ...hostSteps(plan).map((host) => ({ phase: 'foster', ...host })),
      ...plan.init.map(describe('init')),
      ...plan.process.map(describe('process')),
      { phase: 'process', call: renderExec(plan), why: 'run the program' },
    ],
  };
}

/** What the foster command itself does before PID 1 takes its steps. */
export function hostSteps(plan: Plan, pid = 'PID'): { call: string; why: string }[] {
  const steps = [
    {
      call: `clone(child_stack=..., flags=${renderNamespaces(plan)}) = ${pid}`,
      why: 'start PID 1 (foster-init, from a sealed memory file) in new namespaces',
    },
  ];
  if (plan.idMaps !== undefined) {
    for (const kind of ['uid', 'gid'] as const) {
      const numbers = plan.idMaps[kind]
        .flatMap((line) => [line.containerID, line.hostID, line.size])
        .join(' ');
      steps.push({
        call: plan.idMaps.helpers
          ? `execve("/usr/bin/new${kind}map", ["new${kind}map", "${pid}", ${numbers
              .split(' ')
              .map((number) => `"${number}"`)
              .join(', ')}])`
          : `write(/proc/${pid}/${kind}_map, "${numbers}")`,
        why: kind === 'uid' ? 'map the user ids of the container' : 'map the group ids of the container',
      });
    }
  }
  if (plan.storage !== undefined) {
    const { program, container, layers } = plan.storage;
    const options = `lowerdir=${layers.join(':')},upperdir=${container}/upper,workdir=${container}/work`;
    steps.push({
      call: `execve(${JSON.stringify(program)}, ["fuse-overlayfs", "-f", "-o", ${JSON.stringify(shorten(options))}, ${JSON.stringify(`${container}/root`)}])`,
      why: 'have fuse-overlayfs mount the root file system, in the user and mount namespaces of PID 1, but outside of its PID namespace',
    });
  }
  for (const { source, isDeep, hasDevices, why } of plan.handed ?? []) {
    const [tree, deep] = isDeep ? ['|AT_RECURSIVE', '|AT_RECURSIVE'] : ['', ''];
    const attributes = `MOUNT_ATTR_IDMAP${hasDevices ? '' : '|MOUNT_ATTR_NODEV'}`;
    steps.push(
      {
        call: `open_tree(AT_FDCWD, ${JSON.stringify(source)}, OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC${tree})`,
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
    );
  }
  return steps;
}

/** The final execve(2) of the user's process. */
export function renderExec(plan: Plan): string {
  const argv = plan.program.argv.map((text) => JSON.stringify(shorten(text))).join(', ');
  const [first] = plan.program.paths;
  const more =
    plan.program.paths.length > 1 ? ` /* or the next of ${plan.program.paths.length} in PATH */` : '';
  return `execve(${JSON.stringify(first)}${more}, [${argv}], [${plan.program.env.length} variables])`;
}
