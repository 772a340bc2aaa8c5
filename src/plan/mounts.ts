import type { Mount } from '../spec/types.js';
import {
  attachMount,
  CWD,
  copyMount,
  ensureDirectory,
  ensureFile,
  MOUNT_OPTIONS,
  mode,
  mount,
  mustBeDirectory,
  newFilesystem,
  openInRoot,
  setMountAttributes,
} from './calls.js';
import { type MOUNT_ATTR, O } from './constants.js';
import type { PlanFacts } from './facts.js';
import { flags, type Step, step } from './step.js';

/** Device nodes that every container has; a rootless one cannot make nodes, so they are the host's, bind mounted. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

const LINKS: readonly (readonly [target: string, path: string])[] = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
  ['pts/ptmx', '/dev/ptmx'],
  ['/proc/kcore', '/dev/core'],
];

/** Opens what will be mounted, each path resolved this once: later steps know it by its descriptor. */
export function openVolumes(mounts: Mount[]): Step[] {
  return binds(mounts).map(({ source, destination }, index) =>
    step(
      `open ${source}, to be mounted at ${destination}`,
      'openat',
      [CWD, source, flags(O, 'O_PATH', 'O_CLOEXEC'), 0],
      {
        result: `source_${index}`,
      },
    ),
  );
}

/**
 * While the host's files are in sight: copies of the mounts that the container shall have. Its /proc and /sys are made
 * here too, for the kernel lets a user namespace have new ones only where it can see whole ones (mount_namespaces(7)).
 */
export function takeFromHost(mounts: Mount[]): Step[] {
  const devices = DEVICES.map((name) =>
    copyMount(`take the host's /dev/${name}`, CWD, `/dev/${name}`, `dev_${name}`),
  );
  const kernels = mounts.flatMap((each, index) =>
    isKernels(each) ? makeFilesystem(each, `mount_${index}`) : [],
  );
  const volumes = binds(mounts).flatMap(({ source, options }, index) => {
    const why = `take ${source} from the host`;
    const recursive = options.includes('rbind');
    const opened = { result: `source_${index}` };
    return [copyMount(why, opened, '', `volume_${index}`, { recursive }), step(why, 'close', [opened])];
  });
  return [...devices, ...volumes, ...kernels];
}

function binds(mounts: Mount[]): Mount[] {
  return mounts.filter(isBind);
}

function isBind(mount: Mount): boolean {
  return mount.type === 'bind' || mount.options.includes('bind') || mount.options.includes('rbind');
}

/** All mounts below the root, in the Spec's order. */
export function mountAll(mounts: Mount[], facts: PlanFacts): Step[] {
  const steps: Step[] = [];
  let volume = 0;
  for (const [index, each] of mounts.entries()) {
    if (isBind(each)) steps.push(...mountVolume(each, volume++, facts));
    else steps.push(...mountFilesystem(each, `mount_${index}`));
    if (each.destination === '/dev') steps.push(...fillDev());
  }
  return steps;
}

const WHY: Readonly<Record<string, string>> = {
  '/proc': 'mount a /proc that shows just the processes of the container',
  '/dev': "give the container a /dev of its own, with none of the host's devices",
  '/dev/pts': 'give the container pseudo-terminals of its own',
  '/dev/shm': 'give the container shared memory of its own',
  '/dev/mqueue': 'mount the message queues of the IPC namespace',
  '/sys': 'mount a /sys that belongs to the network namespace',
};

function isKernels({ type }: Mount): boolean {
  return type === 'proc' || type === 'sysfs';
}

function whyMount({ type, destination }: Mount): string {
  return WHY[destination] ?? `mount a ${type} at ${destination}`;
}

function makeFilesystem(each: Mount, name: string): Step[] {
  const { type, source, options } = each;
  return newFilesystem(whyMount(each), type, source || type, options, name);
}

function mountFilesystem(each: Mount, name: string): Step[] {
  const { destination } = each;
  const why = whyMount(each);
  const target = `${name}_target`;
  if (!isKernels(each)) {
    return [
      ...ensureDirectory(why, destination, target),
      ...makeFilesystem(each, name),
      attachMount(why, name, target),
    ];
  }
  // A root file system in which /proc or /sys is a link could have them mounted over something else.
  return [
    step(why, 'mkdirat', [CWD, destination, mode(0o755)], { ignore: ['EEXIST', 'EROFS'] }),
    openInRoot(why, destination, ['O_PATH', 'O_DIRECTORY', 'O_NOFOLLOW'], {
      result: target,
      advice: mustBeDirectory(destination),
    }),
    attachMount(why, name, target),
  ];
}

function mountVolume(each: Mount, index: number, facts: PlanFacts): Step[] {
  const { source, destination, options } = each;
  const why = WHY[destination] ?? `mount ${source} at ${destination}`;
  const volume = `volume_${index}`;
  const target = `${volume}_target`;
  const attributes: (keyof typeof MOUNT_ATTR)[] = [];
  for (const option of options) {
    const attribute = MOUNT_OPTIONS[option];
    if (attribute !== undefined && attribute !== '') attributes.push(attribute);
  }
  return [
    ...(facts.directories.has(source)
      ? ensureDirectory(why, destination, target)
      : ensureFile(why, destination, target)),
    ...(attributes.length > 0
      ? [
          setMountAttributes(
            `${why}, ${options.filter((option) => MOUNT_OPTIONS[option]).join(', ')}`,
            { result: volume },
            attributes,
            {
              recursive: options.includes('rbind'),
            },
          ),
        ]
      : []),
    attachMount(why, volume, target),
  ];
}

function fillDev(): Step[] {
  const steps: Step[] = [];
  for (const name of DEVICES) {
    const why = `give the container /dev/${name}`;
    const target = `dev_${name}_target`;
    steps.push(
      openInRoot(why, `/dev/${name}`, ['O_RDONLY', 'O_CREAT', 'O_NOCTTY'], { result: target, mode: 0o666 }),
    );
    steps.push(attachMount(why, `dev_${name}`, target));
  }
  for (const [target, path] of LINKS) {
    steps.push(step(`link ${path} to ${target}`, 'symlinkat', [target, CWD, path]));
  }
  return steps;
}

/** Hides what containers must not see, and makes read-only what they must not change, in /proc and /sys. */
export function protectKernelPaths(masked: string[], readonly: string[], facts: PlanFacts): Step[] {
  const steps: Step[] = [];
  for (const path of masked) {
    const kind = facts.kernelPaths.get(path);
    const why = `hide ${path}, which tells about the host`;
    if (kind === 'file') steps.push(mount(why, '/dev/null', path, null, ['MS_BIND'], null));
    if (kind === 'directory') {
      steps.push(
        mount(why, 'tmpfs', path, 'tmpfs', ['MS_RDONLY', 'MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC'], 'size=0k'),
      );
    }
  }
  for (const path of readonly) {
    if (!facts.kernelPaths.has(path)) continue;
    const why = `make ${path}, which changes the host, read-only`;
    steps.push(
      mount(why, path, path, null, ['MS_BIND', 'MS_REC'], null),
      setMountAttributes(why, path, ['MOUNT_ATTR_RDONLY']),
    );
  }
  return steps;
}
