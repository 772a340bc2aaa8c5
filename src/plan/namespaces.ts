import type { Namespace, TimeOffsets } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import { CWD } from './calls.js';
import { CLONE, O } from './constants.js';
import { FD, type PlanFacts } from './facts.js';
import { denyTracing } from './process.js';
import { constant, flags, type Step, step } from './step.js';

/** Types of namespaces that foster can create, with their names in the OCI runtime-spec: namespaces(7). */
const FLAGS: Readonly<Record<string, keyof typeof CLONE>> = {
  user: 'CLONE_NEWUSER',
  pid: 'CLONE_NEWPID',
  mount: 'CLONE_NEWNS',
  network: 'CLONE_NEWNET',
  uts: 'CLONE_NEWUTS',
  ipc: 'CLONE_NEWIPC',
  cgroup: 'CLONE_NEWCGROUP',
  time: 'CLONE_NEWTIME',
};

/**
 * The flag of clone(2), unshare(2) and setns(2) for a type of namespace.
 * @throws FosterError for an unknown type: ignoring it would share the host's
 */
export function namespaceFlag(type: string): keyof typeof CLONE {
  const flag = Object.hasOwn(FLAGS, type) ? FLAGS[type] : undefined;
  if (flag !== undefined) return flag;
  throw new FosterError(`cannot create a namespace of the type ${JSON.stringify(type)}`, {
    advice: `foster supports ${Object.keys(FLAGS).join(', ')}`,
  });
}

/** The types that clone(2) creates: not those to join, nor the time namespace, which unshare(2) creates. */
export function clonedTypes(namespaces: readonly Namespace[]): string[] {
  return namespaces.filter(({ type, path }) => path === undefined && type !== 'time').map(({ type }) => type);
}

/** setns(2) to each namespace with a path. Must be done first, while the host's files are visible. */
export function joinByPath(namespaces: readonly Namespace[]): Step[] {
  return namespaces.flatMap(({ type, path }) => {
    if (path === undefined) return [];
    const why = `join the ${type} namespace ${path}`;
    const opened = { result: 'namespace' };
    return [
      step(why, 'openat', [CWD, path, flags(O, 'O_RDONLY', 'O_CLOEXEC'), 0], { result: 'namespace' }),
      step(why, 'setns', [opened, flags(CLONE, namespaceFlag(type))], {
        advice: {
          EINVAL: `it is not a ${type} namespace`,
          EPERM: 'only root of the user namespace that owns it can join it',
        },
      }),
      step(why, 'close', [opened]),
    ];
  });
}

/**
 * Creates a time namespace, sets its clocks while it is empty, and enters it as PID 1, so that processes that join PID
 * 1 enter it, too: time_namespaces(7).
 */
export function newClocks(offsets: TimeOffsets = {}): Step[] {
  const why = 'give the container its own clocks';
  const text = (['monotonic', 'boottime'] as const)
    .flatMap((clock) => {
      const { secs = 0, nanosecs = 0 } = offsets[clock] ?? {};
      return offsets[clock] === undefined ? [] : [`${clock} ${secs} ${nanosecs}\n`];
    })
    .join('');
  const file = { result: 'clocks' };
  const open = (path: string, access: 'O_RDONLY' | 'O_WRONLY') =>
    step(why, 'openat', [CWD, path, flags(O, access, 'O_CLOEXEC'), 0], file);
  return [
    step(why, 'unshare', [flags(CLONE, 'CLONE_NEWTIME')]),
    ...(text === ''
      ? []
      : [
          open('/proc/self/timens_offsets', 'O_WRONLY'),
          step(why, 'write', [file, text, Buffer.byteLength(text)], {
            advice: { ERANGE: 'a clock would show a time before the start of the machine, or too far ahead' },
          }),
          step(why, 'close', [file]),
        ]),
    open('/proc/self/ns/time_for_children', 'O_RDONLY'),
    step(why, 'setns', [file, flags(CLONE, 'CLONE_NEWTIME')]),
    step(why, 'close', [file]),
  ];
}

/** Whose namespaces a container joins: PlanFacts. */
type Share = NonNullable<PlanFacts['share']>;

/** A container that joins a PID namespace is seen by its processes while it is set up. */
export function sharesPids(share: Share | undefined): boolean {
  return share?.types.includes('pid') ?? false;
}

/**
 * Makes PID 1 create its namespaces by itself, below those of the network holder. Connecting two network namespaces takes
 * rights in a user namespace above both, and clone(2) cannot start a child of ours in the holder's user namespace. With
 * `share`, the namespaces are made beside those of another container, and some of that container's are joined.
 */
export function nestNamespaces(types: readonly string[], share?: Share): Step[] {
  const process = constant(String(FD.JOIN), FD.JOIN);
  const joined = share?.types ?? ['user'];
  const created = share === undefined ? types : types.filter((type) => !joined.some((one) => one === type));
  const list = joined.length > 1 ? `${joined.slice(0, -1).join(', ')} and ${joined.at(-1)}` : joined.join('');
  const why =
    share === undefined
      ? "enter the user namespace above the containers'"
      : `enter the ${list} namespace${joined.length > 1 ? 's' : ''} of ${share.of}`;
  const isSeen = sharesPids(share);
  return [
    ...(isSeen && share?.isPod === true ? openProgram() : []),
    ...(isSeen ? [denyTracing()] : []),
    ...(joined.length > 0
      ? [
          step(why, 'setns', [process, flags(CLONE, ...joined.map(namespaceFlag))], {
            advice: { ESRCH: 'it has just ended', EPERM: 'it may have just ended' },
          }),
        ]
      : []),
    step("create the container's namespaces", 'unshare', [flags(CLONE, ...created.map(namespaceFlag))]),
    step('continue in a process inside the PID namespace', 'refork', []),
    // The monitor may not access a process that was executed outside of its user namespace: ptrace(2), "access mode checking".
    ...(isSeen ? [] : [step('execute foster-init again, in its user namespace', 'renew', [0])]),
  ];
}

/** For `renewLast`: there may be no /proc then. */
function openProgram(): Step[] {
  const why = 'keep foster-init, to execute it again';
  const opened = { result: 'program' };
  return [
    step(why, 'openat', [CWD, '/proc/self/exe', flags(O, 'O_PATH', 'O_CLOEXEC'), 0], opened),
    step(why, 'dup3', [opened, constant(String(FD.PROGRAM), FD.PROGRAM), flags(O, 'O_CLOEXEC')]),
    step(why, 'close', [opened]),
  ];
}

/**
 * So that foster exec can enter a container of a pod that shares its PID namespace. Who has SYS_PTRACE in another container of the pod can
 * look into a process that has been executed in their user namespace, so that is done when it has nothing of the host any
 * more; and with --pid container:, where nobody has asked for that, not at all: CVE-2016-9962.
 */
export function renewLast(): Step {
  const program = constant(String(FD.PROGRAM), FD.PROGRAM);
  return step('execute foster-init again, now that it has nothing of the host', 'renew', [program]);
}

/** The flags for clone(2). */
export function namespaceFlags(types: readonly string[]): number {
  return types.reduce((flags, type) => flags | CLONE[namespaceFlag(type)], 0);
}
