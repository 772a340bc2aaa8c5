import { closeSync, mkdirSync } from 'node:fs';
import { errnoOfAny } from '../sys/ffi.js';
import {
  bindMount,
  limitMount,
  type MountLimit,
  makeMountsPrivate,
  mountTmpfs,
  pivotRoot,
} from '../sys/mount.js';

/** Exists everywhere; its content is not touched. */
const STAGE = '/tmp';

/** A directory in a view. */
export interface ViewDirectory {
  /** Absolute path in the view. */
  path: string;
  /** Descriptor of the directory; closed by `enterView`. undefined for an empty one, to be used as a mount point. */
  directory?: number;
  allows?: ViewAccess;
}

export interface ViewAccess {
  /** Whether files may be created and changed. */
  writing?: boolean;
  /** Whether symbolic links in a path are followed. Otherwise one that replaces a directory is an error. */
  links?: boolean;
}

/**
 * Makes a file system with only these directories the root of this process, which must be root in its own mount
 * namespace. From then on no path leads to a file of the host, whatever links are put in the directories and however
 * they are moved, and no device can be opened. The caller must not hold descriptors of other directories.
 * @param hasDescriptors whether /proc/self/fd exists, and nothing else in /proc
 * @throws SystemCallError
 */
export function enterView(places: readonly ViewDirectory[], { hasDescriptors = false } = {}): void {
  makeMountsPrivate();
  mountTmpfs(STAGE);
  for (const { path, directory, allows = {} } of places) {
    const place = `${STAGE}${path}`;
    mkdirSync(place, { recursive: true, mode: 0o755 });
    if (directory === undefined) continue;
    bind(`/proc/self/fd/${directory}`, place);
    restrictViewMount(place, allows);
    closeSync(directory);
  }
  if (hasDescriptors) {
    mkdirSync(`${STAGE}/proc/self/fd`, { recursive: true, mode: 0o755 });
    bindMount('/proc/self/fd', `${STAGE}/proc/self/fd`);
  }
  process.chdir(STAGE);
  pivotRoot();
}

/** Makes a directory the root of this process: a writable view with nothing else in it. */
export function enterDirectory(path: string): void {
  makeMountsPrivate();
  bind(path, path);
  process.chdir(path);
  restrictViewMount('.', { writing: true, links: true });
  pivotRoot();
}

/** Applies the restrictions of a view's directories to something that is mounted there later. */
export function restrictViewMount(place: string, { writing = false, links = false }: ViewAccess): void {
  const limits: MountLimit[] = ['noSetIds', 'noDevices', 'noPrograms'];
  if (!writing) limits.push('readOnly');
  try {
    limitMount(place, links ? limits : [...limits, 'noLinks'], { isDeep: true });
  } catch (error) {
    const code = errnoOfAny(error);
    // ENOSYS: Linux before 5.12. The changed root directory still keeps the host's files out of reach.
    if (code === 'EINVAL' && !links)
      restrictViewMount(place, { writing, links: true }); // before 5.14
    else if (code !== 'ENOSYS') throw error;
  }
}

/** Binds without the mounts below, unless the kernel insists on them: mount_namespaces(7), "locked". */
function bind(source: string, place: string): void {
  try {
    bindMount(source, place, { isShallow: true });
  } catch (error) {
    if (errnoOfAny(error) !== 'EINVAL') throw error;
    bindMount(source, place);
  }
}
