import type { Linux } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import {
  attachMount,
  CWD,
  copyMount,
  newFilesystem,
  openBeneath,
  openInRoot,
  setMountAttributes,
} from './calls.js';
import type { PlanFacts } from './facts.js';
import { setSysctls } from './limits.js';
import { type Arg, type Step, step } from './step.js';

/**
 * Protects the kernel's files in /proc and /sys: sets parameters, hides what containers must not see, makes read-only
 * what they must not change. It uses the descriptor of the file system that was just mounted, before anything else can
 * be mounted in it, so that no image or volume can insert a link.
 */
export function guardKernelFiles(place: string, mounted: string, linux: Linux, facts: PlanFacts): Step[] {
  const isInside = (path: string) => path.startsWith(`${place}/`);
  return [
    ...(place === '/proc' ? setSysctls(linux.sysctl, mounted) : []),
    ...hide(linux, isInside, facts, { result: mounted }, place),
    ...makeReadOnly(linux, isInside, facts, { result: mounted }, place),
  ];
}

/**
 * Protects the Spec's paths elsewhere, in the root filesystem or in other mounts. Missing files are skipped.
 * @param places paths with file systems of the kernel
 * @throws FosterError if there are parameters to set, but no /proc
 */
export function guardOtherFiles(linux: Linux, places: readonly string[]): Step[] {
  const [parameter] = Object.keys(linux.sysctl);
  if (parameter !== undefined && !places.includes('/proc'))
    throw new FosterError(`cannot set the kernel parameter ${parameter}: the container has no /proc`);
  return [
    ...others(linux.maskedPaths, places).flatMap(hideOther),
    ...others(linux.readonlyPaths, places).flatMap(makeOtherReadOnly),
  ];
}

function others(paths: string[], places: readonly string[]): string[] {
  return paths.filter((path) => !places.some((place) => path.startsWith(`${place}/`)));
}

/** Copies the host's /dev/null while it is visible, once for each file that it will hide. */
export function copyMasks(linux: Linux, facts: PlanFacts, places: readonly string[]): Step[] {
  const { maskedPaths } = linux;
  const elsewhere = others(maskedPaths, places);
  const take = (path: string, mask: string) =>
    copyMount(`take the host's /dev/null, to hide ${path}`, CWD, '/dev/null', mask);
  return [
    ...maskedPaths
      .filter((path) => facts.kernelPaths.get(path) === 'file' && !elsewhere.includes(path))
      .map((path) => take(path, maskOf(path))),
    ...elsewhere.map((path, index) => take(path, otherMask(index))),
  ];
}

function otherMask(index: number): string {
  return `other_mask_${index}`;
}

/**
 * A directory is hidden by an empty one, other files by /dev/null. Only PID 1 can see which it is: one of the two
 * mounts fails. In the end another file system must be there.
 */
function hideOther(path: string, index: number): Step[] {
  const why = `hide ${path}`;
  const mask = otherMask(index);
  const [target, empty, after] = [`${mask}_target`, `${mask}_directory`, `${mask}_after`];
  const missing = ['ENOENT', 'ENOTDIR'];
  return [
    openInRoot(why, path, ['O_PATH'], { result: target, ignore: missing }),
    ...newFilesystem(why, 'tmpfs', 'tmpfs', EMPTY, empty),
    attachMount(why, empty, target, { ignore: ['EBADF', 'EINVAL', 'ENOTDIR'] }),
    attachMount(why, mask, target, { ignore: ['EBADF', 'EINVAL', 'ENOTDIR'] }),
    openInRoot(why, path, ['O_PATH'], { result: after, ignore: missing }),
    step(why, 'not_on', [{ result: after }, { result: target }], { ignore: ['EBADF'] }),
  ];
}

function makeOtherReadOnly(path: string, index: number): Step[] {
  const why = `make ${path} read-only`;
  const target = `other_readonly_${index}`;
  const copy = `${target}_copy`;
  const steps = [
    copyMount(why, { result: target }, '', copy, { recursive: true }),
    setMountAttributes(why, { result: copy }, ['MOUNT_ATTR_RDONLY'], { recursive: true }),
    attachMount(why, copy, target),
  ];
  return [
    openInRoot(why, path, ['O_PATH'], { result: target, ignore: ['ENOENT', 'ENOTDIR'] }),
    ...steps.map((each) => ({ ...each, ignore: ['EBADF'] })), // the path does not exist
  ];
}

function maskOf(path: string): string {
  return `mask_${path.replaceAll(/\W/g, '_')}`;
}

const EMPTY = ['ro', 'nosuid', 'nodev', 'noexec', 'size=0k'];

function hide(
  { maskedPaths }: Linux,
  isMeant: (path: string) => boolean,
  facts: PlanFacts,
  directory: Arg,
  place: string,
): Step[] {
  return maskedPaths.filter(isMeant).flatMap((path) => {
    const kind = facts.kernelPaths.get(path);
    if (kind === undefined) return [];
    const why = `hide ${path}, which shows information about the host`;
    const mask = maskOf(path);
    const target = `${mask}_target`;
    return [
      openBeneath(why, directory, path.slice(place.length + 1), ['O_PATH'], { result: target }),
      ...(kind === 'directory' ? newFilesystem(why, 'tmpfs', 'tmpfs', EMPTY, mask) : []),
      attachMount(why, mask, target),
    ];
  });
}

function makeReadOnly(
  { readonlyPaths }: Linux,
  isMeant: (path: string) => boolean,
  facts: PlanFacts,
  directory: Arg,
  place: string,
): Step[] {
  return readonlyPaths
    .filter((path) => isMeant(path) && facts.kernelPaths.has(path))
    .flatMap((path) => {
      const why = `make ${path} read-only, because it can change the host`;
      const target = `readonly_${path.replaceAll(/\W/g, '_')}`;
      const copy = `${target}_copy`;
      return [
        openBeneath(why, directory, path.slice(place.length + 1), ['O_PATH'], { result: target }),
        copyMount(why, { result: target }, '', copy, { recursive: true }),
        setMountAttributes(why, { result: copy }, ['MOUNT_ATTR_RDONLY']),
        attachMount(why, copy, target),
      ];
    });
}
