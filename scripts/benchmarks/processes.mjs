/** Processes and their memory, from /proc: proc(5). */
import { readdirSync, readFileSync } from 'node:fs';

function processes() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0').slice(0, -1);
        const [, comm, rest] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
        return [{ pid: Number(name), parent: Number(rest.split(' ')[1]), name: comm, command }];
      } catch {
        return []; // it has just ended
      }
    });
}

/** A process and its descendants. */
export function family(pid) {
  const all = processes();
  const found = all.filter((one) => one.pid === pid);
  for (let at = 0; at < found.length; at++) found.push(...all.filter((one) => one.parent === found[at].pid));
  return found;
}

/** The children of all its threads, which is faster than reading all processes. */
export function children(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return []; // it has just ended
  }
}

/** PSS in KiB. If only root may read that, RSS, in which shared pages count in full. */
export function proportionalSize(pid) {
  try {
    return {
      size: Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]),
      isMost: false,
    };
  } catch {
    return {
      size: Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]),
      isMost: true,
    };
  }
}

/**
 * Identifies the memory of a process: after vfork(2) a child has that of its parent until it executes a program. The place
 * of its stack is random: proc_pid_stat(5), startstack.
 */
export function memoryOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[25];
}

/**
 * PSS in KiB of all processes whose names match: monitors and PID 1s.
 * @param user only those of this user id; by default those of all
 */
export function held(names, user) {
  let sum = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!names.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())) continue;
      if (
        user !== undefined &&
        !new RegExp(`^Uid:\\s+${user}\\s`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'))
      )
        continue;
      sum += Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
    } catch {
      // it has just exited, or is not readable
    }
  }
  return sum;
}

/** sysconf(_SC_CLK_TCK), which is the same on all architectures. */
const TICKS = 100;

/** CPU seconds of each process of a user whose name matches, and of its children that have ended: proc_pid_stat(5). */
function cpuTimes(names, user) {
  const times = new Map();
  for (const { pid, name } of processes()) {
    if (!names.test(name)) continue;
    try {
      if (!new RegExp(`^Uid:\\s+${user}\\s`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'))) continue;
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      times.set(pid, fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / TICKS);
    } catch {
      // it has just ended
    }
  }
  return times;
}

/** A function that returns the CPU seconds that the processes that run now have taken since, as far as they still run. */
export function cpuSince(names, user) {
  const before = cpuTimes(names, user);
  return () => {
    let sum = 0;
    for (const [pid, time] of cpuTimes(names, user)) if (before.has(pid)) sum += time - before.get(pid);
    return sum;
  };
}
