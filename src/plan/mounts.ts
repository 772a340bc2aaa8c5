import { isKernelPath } from '../spec/image-volumes.js';
import { SHM } from '../spec/shm.js';
import type { Linux, Mount, Propagation, Spec } from '../spec/types.js';
import {
  attachMount,
  attributesOf,
  CWD,
  clearMountAttributes,
  copyMount,
  directoryAdvice,
  ensureDirectory,
  ensureFile,
  mode,
  newFilesystem,
  openBeneath,
  openInRoot,
  setMountAttributes,
  setPropagation,
} from './calls.js';
import { O } from './constants.js';
import { FD, type PlanFacts } from './facts.js';
import { isShifted, receiveMount } from './handed-mounts.js';
import { copyMasks, guardKernelFiles, guardOtherFiles } from './kernel-files.js';
import { constant, flags, type Step, step } from './step.js';

/**
 * Device nodes that every container has. They are bind mounts of the host's, since rootless containers cannot create
 * nodes.
 */
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

/** Opens the sources of mounts. Each path is resolved only once; later steps use the descriptors. */
export function openVolumes(mounts: Mount[], { beneath }: PlanFacts): Step[] {
  return binds(mounts).flatMap((each, index) => {
    const { source, destination } = each;
    const why = `open ${source}, to mount it at ${destination}`;
    const result = `source_${index}`;
    const path = beneath?.get(destination)?.top ?? source;
    return isShifted(each)
      ? []
      : [step(why, 'openat', [CWD, path, flags(O, 'O_PATH', 'O_CLOEXEC'), 0], { result })];
  });
}

/**
 * Opens the part of a volume that will be mounted, with the rights of the container's root. Links in the volume, which a
 * container may have made, are not followed.
 */
function openSubpath(why: string, path: string, top: string, result: string): Step[] {
  const advice = {
    ELOOP: 'a part of the path is a symbolic link, and links there are not followed',
    ENOENT: 'there is no such file or directory: make it first',
  };
  return [
    openBeneath(why, { result: top }, path, ['O_PATH'], { result, advice }),
    step(why, 'close', [{ result: top }]),
  ];
}

/**
 * Copies the mounts for the container while the host's files are visible. Its /proc and /sys are created here too,
 * because in a user namespace the kernel allows that only while complete ones are visible (mount_namespaces(7)).
 */
export function copyFromHost(mounts: Mount[], linux: Linux, facts: PlanFacts): Step[] {
  const hasDevices = mounts.some((each) => each.destination === '/dev' && !isBind(each));
  const devices = (hasDevices ? DEVICES : []).map((name) =>
    copyMount(`take the host's /dev/${name}`, CWD, `/dev/${name}`, `dev_${name}`),
  );
  const kernels = mounts.flatMap((each, index) => {
    if (isOfOther(each, facts)) return [takeMount(each, `mount_${index}`, facts)];
    return isKernelMount(each) ? makeFilesystem(each, `mount_${index}`) : [];
  });
  const volumes = binds(mounts).flatMap((each, index) => {
    const { source, options } = each;
    const why = `take ${source} from the host`;
    if (isShifted(each)) return [receiveMount(why, `volume_${index}`)];
    const recursive = options.includes('rbind');
    const path = facts.beneath?.get(each.destination)?.path;
    const top = `source_${index}`;
    const opened = { result: path === undefined ? top : `${top}_subpath` };
    return [
      ...(path === undefined ? [] : openSubpath(why, path, top, opened.result)),
      copyMount(why, opened, '', `volume_${index}`, { recursive }),
      step(why, 'close', [opened]),
    ];
  });
  return [...devices, ...copyMasks(linux, facts, kernelPaths(mounts)), ...volumes, ...kernels];
}

function binds(mounts: Mount[]): Mount[] {
  return mounts.filter(isBind);
}

function isBind(mount: Mount): boolean {
  return mount.type === 'bind' || mount.options.includes('bind') || mount.options.includes('rbind');
}

/** The mounts so far, and which of them are in /dev, /proc and /sys. */
export interface Mounted {
  /** For each destination, the result with the root of the latest mount. */
  at: Map<string, string>;
  kernelPaths: string[];
  /** The root of foster's own /dev. */
  dev?: string;
}

/**
 * All mounts below the root, in the Spec's order.
 * @param mounted filled in for later steps
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
    if (isKernelPath(destination)) mounted.kernelPaths.push(name);
    if (destination === '/dev' && !isBind(each)) {
      mounted.dev = name;
      steps.push(...fillDev(name));
    }
    if (KERNEL_PATHS.has(destination)) steps.push(...guardKernelFiles(destination, name, linux, facts));
  }
  return [...steps, ...guardOtherFiles(linux, kernelPaths(mounts))];
}

/** Paths of the kernel's own file systems. */
const KERNEL_PATHS: ReadonlySet<string> = new Set(['/proc', '/sys']);

function kernelPaths(mounts: Mount[]): string[] {
  return [...KERNEL_PATHS].filter((place) => mounts.some(({ destination }) => destination === place));
}

/** Whether later mounts of the host should appear in the container. */
export function followsHost({ mounts, linux }: Spec): boolean {
  return (
    isLinked(linux.rootfsPropagation) || mounts.some((each) => isBind(each) && isLinked(propagationOf(each)))
  );
}

export function isLinked(propagation: Propagation | undefined): boolean {
  return propagation !== undefined && /^r?(slave|shared)$/.test(propagation);
}

function propagationOf({ options }: Mount): Propagation | undefined {
  return options.findLast(isPropagation);
}

function isPropagation(option: string): option is Propagation {
  return /^r?(private|slave|shared|unbindable)$/.test(option);
}

/**
 * Sets the propagation of the mount kept as `name`, unless it is right already. A mount that was made outside of the
 * container's mount namespace is in the peer group of the host's mount. It must leave it: otherwise mounts that the
 * container makes in it would appear on the host.
 */
function propagate(each: Mount, name: string, follows: boolean): Step[] {
  const propagation = propagationOf(each) ?? 'rprivate';
  const isHanded = isBind(each) && isShifted(each);
  const isSo = follows ? isBind(each) && /slave$/.test(propagation) : /(private|slave)$/.test(propagation);
  if (!isHanded && (isSo || (!isBind(each) && /private$/.test(propagation)))) return [];
  const recursive = propagation.startsWith('r') && isBind(each);
  return [
    setPropagation(`make the mount at ${each.destination} ${propagation}`, { result: name }, propagation, {
      recursive,
    }),
  ];
}

const WHY: Readonly<Record<string, string>> = {
  '/proc': 'mount a /proc that shows only the processes of the container',
  '/dev': "give the container its own /dev, without the host's devices",
  '/dev/pts': 'give the container its own pseudo-terminals',
  '/dev/shm': 'give the container its own shared memory',
  '/dev/mqueue': 'mount the message queues of the IPC namespace',
  '/sys': 'mount a /sys that belongs to the network namespace',
};

function isKernelMount({ type }: Mount): boolean {
  return type === 'proc' || type === 'sysfs';
}

/** Shared memory belongs to an IPC namespace, but POSIX has it in a file system: shm_overview(7). */
function isOfOther({ source, type }: Mount, { share }: PlanFacts): boolean {
  return type === 'tmpfs' && source === SHM && (share?.types.includes('ipc') ?? false);
}

function takeMount({ destination }: Mount, result: string, { share }: PlanFacts): Step {
  const process = constant(String(FD.JOIN), FD.JOIN);
  return step(`take ${destination} of ${share?.of}`, 'mount_of', [process, destination], {
    result,
    advice: { ESRCH: 'it has just ended', ENOENT: 'it was made with --ipc none' },
  });
}

function whyMount({ type, destination }: Mount): string {
  return WHY[destination] ?? `mount a ${type} at ${destination}`;
}

/** In a user namespace the kernel allows a /proc and a /sys only where complete ones can be seen: mount_namespaces(7). */
export const HIDDEN_KERNEL_FILES =
  'something is mounted over a part of /proc or /sys, as in a container: start that one with --security-opt systempaths=unconfined';

function makeFilesystem(each: Mount, name: string): Step[] {
  const { type, source, options } = each;
  const own = options.filter((option) => !isPropagation(option));
  const advice = isKernelMount(each) ? { EPERM: HIDDEN_KERNEL_FILES } : undefined;
  return [
    ...newFilesystem(whyMount(each), type, source || type, own, name, advice),
    ...propagate(each, name, false),
  ];
}

function mountFilesystem(each: Mount, name: string, facts: PlanFacts, mounted: Mounted): Step[] {
  const { destination } = each;
  const why = whyMount(each);
  const target = `${name}_target`;
  if (!isKernelMount(each)) {
    return [
      ...ensureDirectory(why, destination, target),
      ...requireOffKernelPaths(why, destination, target, facts, mounted),
      ...(isOfOther(each, facts) ? [] : makeFilesystem(each, name)),
      attachMount(why, name, target),
    ];
  }
  // If /proc or /sys is a link in the root filesystem, they could be mounted elsewhere.
  return [
    step(why, 'mkdirat', [CWD, destination, mode(0o755)], { ignore: ['EEXIST', 'EROFS'] }),
    openInRoot(why, destination, ['O_PATH', 'O_DIRECTORY', 'O_NOFOLLOW'], {
      result: target,
      advice: directoryAdvice(destination),
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
  return [
    ...(facts.directories.has(source)
      ? ensureDirectory(why, destination, target)
      : ensureFile(why, destination, target)),
    ...requireOffKernelPaths(why, destination, target, facts, mounted),
    ...changeAttributes(why, volume, options),
    ...propagate(each, volume, follows),
    attachMount(why, volume, target),
  ];
}

/**
 * Sets and clears the attributes of a bind mount. As in other runtimes, what restricts the container, such as `ro`, is for
 * the mounts below, too, but what allows it more is for one mount only, unless the option says so: `rrw`.
 */
function changeAttributes(why: string, volume: string, options: string[]): Step[] {
  const attributes = attributesOf(options);
  const set = attributes.flatMap((each) => (each.set === undefined ? [] : [{ ...each, set: each.set }]));
  const cleared = attributes.filter((each) => each.set === undefined);
  const name = (some: typeof attributes) => some.map(({ option }) => option).join(', ');
  const restrict = setMountAttributes(
    `${why}, ${name(set)}`,
    { result: volume },
    set.map((each) => each.set),
    {
      recursive: options.includes('rbind'),
      advice: { EPERM: "a user namespace cannot change some of the host's settings, such as atime" },
    },
  );
  const allow = [false, true].flatMap((recursive) => {
    const some = cleared.filter(({ isDeep }) => isDeep === recursive);
    const bits = some.map((each) => each.bits);
    const advice = {
      EPERM: `the host has mounted it otherwise, and a user namespace cannot change that: leave out ${name(some)}`,
    };
    return some.length === 0
      ? []
      : [clearMountAttributes(`${why}, ${name(some)}`, { result: volume }, bits, { recursive, advice })];
  });
  return [...(set.length > 0 ? [restrict] : []), ...allow];
}

/** A destination named by an image or a Dockerfile could be a link into /dev, /proc or /sys. */
function requireOffKernelPaths(
  why: string,
  destination: string,
  target: string,
  { guarded }: PlanFacts,
  { kernelPaths }: Mounted,
): Step[] {
  if (!guarded.has(destination)) return [];
  const advice = {
    EXDEV: 'it is a link into /dev, /proc or /sys, where images and Dockerfiles must not mount anything',
  };
  return kernelPaths.map((kernel) =>
    step(why, 'not_on', [{ result: target }, { result: kernel }], { advice }),
  );
}

function fillDev(dev: string): Step[] {
  const steps: Step[] = [];
  for (const name of DEVICES) {
    const why = `give the container /dev/${name}`;
    const target = `dev_${name}_target`;
    steps.push(
      openBeneath(why, { result: dev }, name, ['O_RDONLY', 'O_CREAT', 'O_NOCTTY'], {
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
