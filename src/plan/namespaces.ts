import type { Namespace, TimeOffsets } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import { CWD } from './calls.js';
import { CLONE, O } from './constants.js';
import { flags, type Step, step } from './step.js';

/** Types of namespaces, as the OCI runtime-spec calls them, that foster can make: namespaces(7). */
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
 * @throws FosterError for one that foster cannot make: to leave it out would share the host's
 */
export function namespaceFlag(type: string): keyof typeof CLONE {
  const flag = Object.hasOwn(FLAGS, type) ? FLAGS[type] : undefined;
  if (flag !== undefined) return flag;
  throw new FosterError(`cannot make a namespace of the type ${JSON.stringify(type)}`, {
    advice: `foster has ${Object.keys(FLAGS).join(', ')}`,
  });
}

/** Those that clone(2) makes: not the ones that are there already, nor that of the clocks, which unshare(2) makes. */
export function clonedTypes(namespaces: readonly Namespace[]): string[] {
  return namespaces.filter(({ type, path }) => path === undefined && type !== 'time').map(({ type }) => type);
}

/** setns(2) to each namespace that has a path. To be done while the host's files are in sight, and nothing else is. */
export function joinByPath(namespaces: readonly Namespace[]): Step[] {
  return namespaces.flatMap(({ type, path }) => {
    if (path === undefined) return [];
    const why = `join the ${type} namespace ${path}`;
    const opened = { result: 'namespace' };
    return [
      step(why, 'openat', [CWD, path, flags(O, 'O_RDONLY', 'O_CLOEXEC'), 0], { result: 'namespace' }),
      step(why, 'setns', [opened, flags(CLONE, namespaceFlag(type))], {
        advice: {
          EINVAL: `it is no ${type} namespace`,
          EPERM: 'only root of the user namespace that it belongs to may join it',
        },
      }),
      step(why, 'close', [opened]),
    ];
  });
}

/**
 * A time namespace, whose clocks are set before anybody is in it; then PID 1 enters it, so that whoever joins PID 1
 * does too: time_namespaces(7).
 */
export function newClocks(offsets: TimeOffsets = {}): Step[] {
  const why = 'give the container clocks of its own';
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

/** The flags of all of them, as clone(2) takes them. */
export function namespaceFlags(types: readonly string[]): number {
  return types.reduce((flags, type) => flags | CLONE[namespaceFlag(type)], 0);
}
