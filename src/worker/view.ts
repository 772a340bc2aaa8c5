import { closeSync, mkdirSync } from 'node:fs';
import { errnoOfAny } from '../sys/ffi.js';
import {
  bindMount,
  limitMount,
  type MountLimit,
  makeMountsPrivate,
  mountEmpty,
  pivotHere,
} from '../sys/mount.js';

/** Exists everywhere; what is in it is not touched. */
const STAGE = '/tmp';

/** A directory to be seen in a view. */
export interface ViewPlace {
  /** Absolute path in the view. */
  path: string;
  /** Descriptor of the directory; closed by `enterView`. undefined for an empty one, to mount something on. */
  directory?: number;
  allows?: Allowed;
}

export interface Allowed {
  /** Files may be made and changed. */
  writing?: boolean;
  /** Symbolic links that are in a path are followed. Without, one that appears in place of a directory is an error. */
  links?: boolean;
}

/**
 * Makes a file system with nothing but these directories the root of this process, which must have a mount namespace of
 * its own and be root there. From then on no path leads to a file of the host, whatever links somebody puts in the
 * directories and however they are moved meanwhile, and no device can be opened. The caller must hold no descriptor of
 * another directory.
 * @param hasDescriptors /proc/self/fd is there, and no more of /proc
 * @throws SystemCallError
 */
export function enterView(places: readonly ViewPlace[], { hasDescriptors = false } = {}): void {
  makeMountsPrivate();
  mountEmpty(STAGE);
  for (const { path, directory, allows = {} } of places) {
    const place = `${STAGE}${path}`;
    mkdirSync(place, { recursive: true, mode: 0o755 });
    if (directory === undefined) continue;
    bind(`/proc/self/fd/${directory}`, place);
    limitInView(place, allows);
    closeSync(directory);
  }
  if (hasDescriptors) {
    mkdirSync(`${STAGE}/proc/self/fd`, { recursive: true, mode: 0o755 });
    bindMount('/proc/self/fd', `${STAGE}/proc/self/fd`);
  }
  process.chdir(STAGE);
  pivotHere();
}

/** Makes a directory the root of this process: a view with nothing else in it, and that can be written to. */
export function enterDirectory(path: string): void {
  makeMountsPrivate();
  bind(path, path);
  process.chdir(path);
  limitInView('.', { writing: true, links: true });
  pivotHere();
}

/** As the directories of a view are, for what is mounted there later. */
export function limitInView(place: string, { writing = false, links = false }: Allowed): void {
  const limits: MountLimit[] = ['noSetIds', 'noDevices', 'noPrograms'];
  if (!writing) limits.push('readOnly');
  try {
    limitMount(place, links ? limits : [...limits, 'noLinks'], { isDeep: true });
  } catch (error) {
    const code = errnoOfAny(error);
    // ENOSYS: Linux before 5.12. The root directory alone keeps the host's files out of reach.
    if (code === 'EINVAL' && !links)
      limitInView(place, { writing, links: true }); // before 5.14
    else if (code !== 'ENOSYS') throw error;
  }
}

/** Without what is mounted below it, unless the kernel insists on that: mount_namespaces(7), "locked". */
function bind(source: string, place: string): void {
  try {
    bindMount(source, place, { isShallow: true });
  } catch (error) {
    if (errnoOfAny(error) !== 'EINVAL') throw error;
    bindMount(source, place);
  }
}
