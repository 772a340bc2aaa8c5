import type { Linux } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import { attachMount, CWD, copyMount, newFilesystem, openBelow, setMountAttributes } from './calls.js';
import type { PlanFacts } from './facts.js';
import { setSysctls } from './limits.js';
import type { Arg, Step } from './step.js';

/**
 * What foster does to the files that the kernel shows in /proc and /sys: sets parameters, hides what containers must not
 * see, makes read-only what they must not change. Each is done from the descriptor of the file system that was mounted
 * just now, before anything else can be mounted in there, so that no image and no volume can put a link in the way.
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
 * The paths that the Spec has elsewhere.
 * @throws FosterError where there are parameters to be set, but no /proc
 */
export function guardOtherFiles(linux: Linux, places: ReadonlySet<string>, facts: PlanFacts): Step[] {
  const [parameter] = Object.keys(linux.sysctl);
  if (parameter !== undefined && !places.has('/proc'))
    throw new FosterError(`cannot set the kernel parameter ${parameter}: the container has no /proc`);
  const isElsewhere = (path: string) => ![...places].some((place) => path.startsWith(`${place}/`));
  return [...hide(linux, isElsewhere, facts, CWD, ''), ...makeReadOnly(linux, isElsewhere, facts, CWD, '')];
}

/** While the host's files are in sight: its /dev/null, once for each file that is to be hidden by it. */
export function takeMasks({ maskedPaths }: Linux, facts: PlanFacts): Step[] {
  return maskedPaths
    .filter((path) => facts.kernelPaths.get(path) === 'file')
    .map((path) => copyMount(`take the host's /dev/null, to hide ${path}`, CWD, '/dev/null', maskOf(path)));
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
    const why = `hide ${path}, which tells about the host`;
    const mask = maskOf(path);
    const target = `${mask}_target`;
    return [
      openBelow(why, directory, path.slice(place.length + 1), ['O_PATH'], { result: target }),
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
      const why = `make ${path}, which changes the host, read-only`;
      const target = `readonly_${path.replaceAll(/\W/g, '_')}`;
      const copy = `${target}_copy`;
      return [
        openBelow(why, directory, path.slice(place.length + 1), ['O_PATH'], { result: target }),
        copyMount(why, { result: target }, '', copy, { recursive: true }),
        setMountAttributes(why, { result: copy }, ['MOUNT_ATTR_RDONLY']),
        attachMount(why, copy, target),
      ];
    });
}
