import { readFileSync } from 'node:fs';
import { quoted } from '../spec/parse/flag.js';
import { errnoName, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { SystemCallError } from '../sys/ffi.js';

/** The error for a failed clone(2): most often, this machine does not let users create namespaces. */
export function cloneFailure(error: unknown): unknown {
  if (!(error instanceof SystemCallError)) return error;
  const advice = adviceOnNamespaces(errnoName(error.errno));
  return new FosterError(
    `cannot start a process in new namespaces: ${error.call}: ${errnoWords(error.errno)}`,
    {
      ...(advice === undefined ? {} : { advice }),
      cause: error,
    },
  );
}

/** Reads a kernel parameter by its path below /proc/sys; undefined if this kernel does not have it. */
export type Settings = (path: string) => string | undefined;

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The AppArmor profile that confines this process, if one does: proc_pid_attr(5). */
function readProfile(): string | undefined {
  try {
    const [name = ''] = readFileSync('/proc/self/attr/apparmor/current', 'utf8').trim().split(' (');
    return name === '' || name === 'unconfined' ? undefined : name;
  } catch {
    return undefined; // an older kernel, or one without AppArmor
  }
}

/**
 * What keeps users from creating namespaces, a kernel parameter or a profile, if one does, and how to change it.
 * @param errno name of the errno with which clone(2), or the first call in the new namespaces, failed
 */
export function adviceOnNamespaces(
  errno: string,
  setting: Settings = readSetting,
  profile: () => string | undefined = readProfile,
): string | undefined {
  if (errno === 'ENOSPC' && setting('user/max_user_namespaces') === '0') {
    return 'user namespaces are turned off here; as root: sysctl -w user.max_user_namespaces=15000';
  }
  if (errno === 'ENOSPC') return 'a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces';
  if (errno !== 'EPERM' && errno !== 'EACCES') return undefined;
  if (setting('kernel/unprivileged_userns_clone') === '0') {
    return 'this kernel lets only root make user namespaces; as root: sysctl -w kernel.unprivileged_userns_clone=1';
  }
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return (
      'AppArmor forbids capabilities in user namespaces here (Ubuntu 23.10 and later); as root: ' +
      'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'
    );
  }
  const name = profile();
  if (name === undefined) return undefined;
  return `foster runs in the AppArmor profile ${quoted(name)}, which has to allow 'userns,' and 'capability,'; as root: dmesg | grep DENIED`;
}
