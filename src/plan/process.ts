import type { Process, Spec, User } from '../spec/types.js';
import { CWD, mode, prctl } from './calls.js';
import { O } from './constants.js';
import type { PlanFacts } from './facts.js';
import { setLimits } from './limits.js';
import { setPersonality, setScheduling } from './scheduling.js';
import { loadSeccomp } from './seccomp/step.js';
import { constant, type Flags, flags, type Step, step } from './step.js';
import { ownProcessGroup } from './terminal.js';
import { becomeUser, noNewPrivileges } from './user.js';

export const SIGKILL = constant('SIGKILL', 9);

export function dieWithMonitor(signal: Flags): Step {
  return prctl('die with the monitor', 'PR_SET_PDEATHSIG', 1, signal);
}

/** Must be repeated after a change of user, which may undo it (if fs.suid_dumpable of proc_sys_fs(5) is 1). */
export function denyTracing(): Step {
  return prctl(
    'keep processes of the container from looking into this one',
    'PR_SET_DUMPABLE',
    4,
    0,
    0,
    0,
    0,
  );
}

/**
 * Detaches PID 1 from the caller's session; it still dies with its parent.
 * @param signal the signal when the parent dies; undefined to outlive it
 */
export function detachFromCaller(signal: Flags | undefined): Step[] {
  const JOIN_SESSION_KEYRING = 1;
  return [
    ...(signal === undefined ? [] : [dieWithMonitor(signal)]),
    step("leave the caller's session and its terminal", 'setsid', []),
    step(
      "leave the caller's keyring",
      'keyctl',
      [constant('KEYCTL_JOIN_SESSION_KEYRING', JOIN_SESSION_KEYRING), null],
      {
        ignore: ['ENOSYS', 'EPERM', 'EDQUOT'],
      },
    ),
    step('create files with the usual modes', 'umask', [mode(0o022)]),
  ];
}

/** The process's and its children's OOM score adjustment: proc_pid_oom_score_adj(5). */
export function adjustOomScore({ oomScoreAdj }: Process): Step[] {
  if (oomScoreAdj === undefined) return [];
  const why = `set the OOM score adjustment to ${oomScoreAdj}`;
  const file = { result: 'score' };
  const text = String(oomScoreAdj);
  const path = '/proc/self/oom_score_adj';
  return [
    step(why, 'openat', [CWD, path, flags(O, 'O_WRONLY', 'O_CLOEXEC'), 0], file),
    step(why, 'write', [file, text, text.length], {
      advice: { EACCES: 'only root can lower it; see /proc/self/oom_score_adj' },
    }),
    step(why, 'close', [file]),
  ];
}

function setMask({ umask }: User): Step[] {
  return umask === undefined ? [] : [step('set the umask', 'umask', [mode(umask)])];
}

/** Steps of the user's process before it executes its program. `dies`: whether it is the monitor's own child. */
export function processSteps(
  spec: Spec,
  facts: Pick<PlanFacts, 'canSetGroups'>,
  options: { shim: boolean; dies: boolean },
): Step[] {
  const { process, linux } = spec;
  const filter = linux.seccomp === undefined ? [] : [loadSeccomp(linux.seccomp)];
  return [
    ...(options.shim ? ownProcessGroup(process.terminal) : []),
    ...setLimits(process.rlimits),
    ...setScheduling(process),
    ...setPersonality(linux.personality),
    ...setMask(process.user),
    // Without no_new_privs only a privileged process can load a filter, so it comes first: seccomp(2).
    ...(process.noNewPrivileges ? [noNewPrivileges()] : filter),
    ...becomeUser(process.user, process.capabilities, facts),
    // A change of user clears the signal: prctl(2), PR_SET_PDEATHSIG.
    ...(options.dies ? [dieWithMonitor(SIGKILL)] : []),
    step('go to the working directory', 'chdir', [process.cwd], {
      advice: {
        EACCES: 'the user of the process cannot enter it',
        ENOTDIR: 'it is not a directory',
        ENOENT: 'create it in the container first, or choose another one',
      },
    }),
    ...(process.noNewPrivileges ? filter : []),
  ];
}

/** Paths where execvp(3) would look for the program, from PATH of the container's environment. */
export function programPaths(spec: Spec): string[] {
  const [program = ''] = spec.process.args;
  if (program.includes('/')) return [program];
  let path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  for (const variable of spec.process.env) {
    if (variable.startsWith('PATH=')) path = variable.slice('PATH='.length);
  }
  return path.split(':').map((directory) => `${directory === '' ? '.' : directory}/${program}`);
}
