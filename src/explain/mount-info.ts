import { unescapedPath } from '../sys/mountinfo.js';

/** A line of proc_pid_mountinfo(5). */
export interface MountInfo {
  /** Which part of the file system is mounted. */
  root: string;
  /** Absolute path in the mount namespace. */
  target: string;
  /** Options of the mount, such as `ro` and `nosuid`. */
  options: string[];
  /** `shared:N`, `master:N` ... */
  propagation: string[];
  type: string;
  source: string;
  /** Options of the file system. */
  superOptions: string[];
}

/** The mounts of a mount namespace, from the text of /proc/PID/mountinfo, in its order. */
export function parseMountInfo(text: string): MountInfo[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, target, options, ...propagation] = before.split(' ');
    const [type, source = '', superOptions = ''] = after.split(' ');
    if (root === undefined || target === undefined || options === undefined || type === undefined) return [];
    return [
      {
        root: unescapedPath(root),
        target: unescapedPath(target),
        options: options.split(','),
        propagation,
        type,
        source: unescapedPath(source),
        superOptions: superOptions.split(','),
      },
    ];
  });
}
