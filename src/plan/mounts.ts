import { isKernelPath } from '../spec/image-volumes.js';
import type { Linux, Mount, Propagation, Spec } from '../spec/types.js';
import {
  attachMount,
  CWD,
  copyMount,
  ensureDirectory,
  ensureFile,
  MOUNT_OPTIONS,
  mode,
  mustBeDirectory,
  newFilesystem,
  openBelow,
  openInRoot,
  setMountAttributes,
  setPropagation,
} from './calls.js';
import { type MOUNT_ATTR, O } from './constants.js';
import type { PlanFacts } from './facts.js';
import { isShifted, takeHanded } from './handed-mounts.js';
import { guardKernelFiles, guardOtherFiles, takeMasks } from './kernel-files.js';
import { flags, type Step, step } from './step.js';

/** Device nodes that every container has; a rootless one cannot make nodes, so they are the host's, bind mounted. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** Links in /dev. */
const LINKS: readonly (readonly [target: string, name: string])[] = [
  ['/proc/self/fd', 'fd'],
  ['/proc/self/fd/0', 'stdin'],
  ['/proc/self/fd/1', 'stdout'],
  ['/proc/self/fd/2', 'stderr'],
  ['pts/ptmx', 'ptmx'],
  ['/proc/kcore', 'core'],
];

/** Opens what will be mounted, each path resolved this once: later steps know it by its descriptor. */
export function openVolumes(mounts: Mount[]): Step[] {
  return binds(mounts).flatMap((each, index) => {
    const { source, destination } = each;
    const why = `open ${source}, to be mounted at ${destination}`;
    const result = `source_${index}`;
    return isShifted(each)
      ? []
      : [step(why, 'openat', [CWD, source, flags(O, 'O_PATH', 'O_CLOEXEC'), 0], { result })];
  });
}

/**
 * While the host's files are in sight: copies of the mounts that the container shall have. Its /proc and /sys are made
 * here too, for the kernel lets a user namespace have new ones only where it can see whole ones (mount_namespaces(7)).
 */
export function takeFromHost(mounts: Mount[], linux: Linux, facts: PlanFacts): Step[] {
  const devices = DEVICES.map((name) =>
    copyMount(`take the host's /dev/${name}`, CWD, `/dev/${name}`, `dev_${name}`),
  );
  const kernels = mounts.flatMap((each, index) =>
    isKernels(each) ? makeFilesystem(each, `mount_${index}`) : [],
  );
  const volumes = binds(mounts).flatMap((each, index) => {
    const { source, options } = each;
    const why = `take ${source} from the host`;
    if (isShifted(each)) return [takeHanded(why, `volume_${index}`)];
    const recursive = options.includes('rbind');
    const opened = { result: `source_${index}` };
    return [copyMount(why, opened, '', `volume_${index}`, { recursive }), step(why, 'close', [opened])];
  });
  return [...devices, ...takeMasks(linux, facts, kernelPlaces(mounts)), ...volumes, ...kernels];
}

function binds(mounts: Mount[]): Mount[] {
  return mounts.filter(isBind);
}

function isBind(mount: Mount): boolean {
  return mount.type === 'bind' || mount.options.includes('bind') || mount.options.includes('rbind');
}

/** Where the Spec's mounts are, and which of them are in /dev, /proc and /sys. */
export interface Mounted {
  /** By destination: the result that is the root of what was mounted there last. */
  at: Map<string, string>;
  kernels: string[];
  /** The root of a /dev of foster's own. */
  dev?: string;
}

/**
 * All mounts below the root, in the Spec's order.
 * @param mounted filled on the way, for later steps
 * @param follows see `followsHost`
 */
export function mountAll(
  mounts: Mount[],
  linux: Linux,
  facts: PlanFacts,
  mounted: Mounted,
  follows: boolean,
): Step[] {
  const steps: Step[] = [];
  let volume = 0;
  for (const [index, each] of mounts.entries()) {
    const { destination } = each;
    const name = isBind(each) ? `volume_${volume++}` : `mount_${index}`;
    if (isBind(each)) steps.push(...mountVolume(each, name, facts, mounted, follows));
    else steps.push(...mountFilesystem(each, name, facts, mounted));
    mounted.at.set(destination, name);
    if (isKernelPath(destination)) mounted.kernels.push(name);
    if (destination === '/dev' && !isBind(each)) {
      mounted.dev = name;
      steps.push(...fillDev(name));
    }
    if (KERNELS.has(destination)) steps.push(...guardKernelFiles(destination, name, linux, facts));
  }
  return [...steps, ...guardOtherFiles(linux, kernelPlaces(mounts))];
}

/** Where the kernel shows itself, whatever is mounted there. */
const KERNELS: ReadonlySet<string> = new Set(['/proc', '/sys']);

function kernelPlaces(mounts: Mount[]): string[] {
  return [...KERNELS].filter((place) => mounts.some(({ destination }) => destination === place));
}

/** Whether what the host mounts later is to be seen somewhere in the container. */
export function followsHost({ mounts, linux }: Spec): boolean {
  return (
    isTied(linux.rootfsPropagation) || mounts.some((each) => isBind(each) && isTied(propagationOf(each)))
  );
}

export function isTied(propagation: Propagation | undefined): boolean {
  return propagation !== undefined && /^r?(slave|shared)$/.test(propagation);
}

function propagationOf({ options }: Mount): Propagation | undefined {
  return options.findLast(isPropagation);
}

function isPropagation(option: string): option is Propagation {
  return /^r?(private|slave|shared|unbindable)$/.test(option);
}

/** What the mount kept as `name` is to be; nothing where it is so already. */
function propagate(each: Mount, name: string, follows: boolean): Step[] {
  const propagation = propagationOf(each) ?? 'rprivate';
  const isSo = follows ? isBind(each) && /slave$/.test(propagation) : /(private|slave)$/.test(propagation);
  if (isSo || (!isBind(each) && /private$/.test(propagation))) return [];
  const recursive = propagation.startsWith('r') && isBind(each);
  return [
    setPropagation(`make the mount at ${each.destination} ${propagation}`, { result: name }, propagation, {
      recursive,
    }),
  ];
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
  const own = options.filter((option) => !isPropagation(option));
  return [...newFilesystem(whyMount(each), type, source || type, own, name), ...propagate(each, name, false)];
}

function mountFilesystem(each: Mount, name: string, facts: PlanFacts, mounted: Mounted): Step[] {
  const { destination } = each;
  const why = whyMount(each);
  const target = `${name}_target`;
  if (!isKernels(each)) {
    return [
      ...ensureDirectory(why, destination, target),
      ...stayOffKernels(why, destination, target, facts, mounted),
      ...makeFilesystem(each, name),
      attachMount(why, name, target),
    ];
  }
  // A root filesystem in which /proc or /sys is a link could have them mounted over something else.
  return [
    step(why, 'mkdirat', [CWD, destination, mode(0o755)], { ignore: ['EEXIST', 'EROFS'] }),
    openInRoot(why, destination, ['O_PATH', 'O_DIRECTORY', 'O_NOFOLLOW'], {
      result: target,
      advice: mustBeDirectory(destination),
    }),
    attachMount(why, name, target),
  ];
}

function mountVolume(
  each: Mount,
  volume: string,
  facts: PlanFacts,
  mounted: Mounted,
  follows: boolean,
): Step[] {
  const { source, destination, options } = each;
  const why = WHY[destination] ?? `mount ${source} at ${destination}`;
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
    ...stayOffKernels(why, destination, target, facts, mounted),
    ...(attributes.length > 0
      ? [
          setMountAttributes(
            `${why}, ${options.filter((option) => MOUNT_OPTIONS[option]).join(', ')}`,
            { result: volume },
            attributes,
            {
              recursive: options.includes('rbind'),
              advice: {
                EPERM: 'a user namespace may not change what the machine has set there, such as atime',
              },
            },
          ),
        ]
      : []),
    ...propagate(each, volume, follows),
    attachMount(why, volume, target),
  ];
}

/** A place that an image or a Dockerfile names may be a link into /dev, /proc or /sys. */
function stayOffKernels(
  why: string,
  destination: string,
  target: string,
  { guarded }: PlanFacts,
  { kernels }: Mounted,
): Step[] {
  if (!guarded.has(destination)) return [];
  const advice = {
    EXDEV: 'it is a link into /dev, /proc or /sys, where an image or a Dockerfile may mount nothing',
  };
  return kernels.map((kernel) => step(why, 'not_on', [{ result: target }, { result: kernel }], { advice }));
}

function fillDev(dev: string): Step[] {
  const steps: Step[] = [];
  for (const name of DEVICES) {
    const why = `give the container /dev/${name}`;
    const target = `dev_${name}_target`;
    steps.push(
      openBelow(why, { result: dev }, name, ['O_RDONLY', 'O_CREAT', 'O_NOCTTY'], {
        result: target,
        mode: 0o666,
      }),
      attachMount(why, `dev_${name}`, target),
    );
  }
  for (const [target, name] of LINKS) {
    steps.push(step(`link /dev/${name} to ${target}`, 'symlinkat', [target, { result: dev }, name]));
  }
  return steps;
}
