import { readFileSync } from 'node:fs';
import { quoted } from '../spec/parse/flag.js';

/** What keeps users from creating namespaces, and how to change that. */
export interface Obstacle {
  /** A kernel parameter, a profile, a filter: a clause. */
  because: string;
  /** What root must type. */
  command?: string;
  /** What else can be done: the end of a sentence. */
  advice?: string;
  /** Whether an AppArmor profile for foster's programs would let it through, without changing the machine for all others. */
  wantsProfile?: true;
}

/** Where to look, for tests. */
export interface HostSecurity {
  /** Reads a kernel parameter by its path below /proc/sys; undefined if this kernel does not have it. */
  setting?: (path: string) => string | undefined;
  /** The AppArmor profile that confines this process, if one does: proc_pid_attr(5). */
  profile?: () => string | undefined;
  /** Whether a seccomp filter of whoever has started foster applies: proc_pid_status(5). */
  isFiltered?: () => boolean;
}

/**
 * Finds what keeps users from creating namespaces; undefined if nothing is known.
 * @param errno name of the errno with which clone(2), or the first call in the new namespaces, failed
 */
export function namespaceObstacle(
  errno: string,
  { setting = readSetting, profile = readProfile, isFiltered = readFilter }: HostSecurity = {},
): Obstacle | undefined {
  if (errno === 'ENOSPC' && setting('user/max_user_namespaces') === '0') {
    return {
      because: 'user namespaces are turned off here',
      command: 'sysctl -w user.max_user_namespaces=15000',
    };
  }
  if (errno === 'ENOSPC')
    return { because: 'a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces' };
  if (errno !== 'EPERM' && errno !== 'EACCES') return undefined;
  if (setting('kernel/unprivileged_userns_clone') === '0') {
    return {
      because: 'this kernel lets only root make user namespaces',
      command: 'sysctl -w kernel.unprivileged_userns_clone=1',
    };
  }
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return {
      because: 'AppArmor forbids capabilities in user namespaces here (Ubuntu 23.10 and later)',
      command: 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
      advice: "or, for foster alone, install the profile that 'foster doctor' prints",
      wantsProfile: true,
    };
  }
  const name = profile();
  if (name !== undefined) {
    return {
      because: `foster runs in the AppArmor profile ${quoted(name)}, which has to allow 'userns,' and 'capability,'`,
      advice: 'as root: dmesg | grep DENIED',
    };
  }
  if (!isFiltered()) return undefined;
  return {
    because: 'foster runs under a seccomp filter, as in a container, which may forbid it',
    advice:
      'start that container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined',
  };
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function readProfile(): string | undefined {
  try {
    const [name = ''] = readFileSync('/proc/self/attr/apparmor/current', 'utf8').trim().split(' (');
    return name === '' || name === 'unconfined' ? undefined : name;
  } catch {
    return undefined; // an older kernel, or one without AppArmor
  }
}

function readFilter(): boolean {
  try {
    return /^Seccomp:\s*2$/m.test(readFileSync('/proc/self/status', 'utf8'));
  } catch {
    return false;
  }
}
