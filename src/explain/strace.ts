import type { PlannedStep } from '../plan/render.js';

/** A system call as strace(1) prints it, with its result. */
export interface SeenCall {
  pid: string;
  name: string;
  line: string;
}

/** The calls in the output of `strace -f -o FILE`, in the order in which they began. */
export function parseStrace(text: string): SeenCall[] {
  const calls: SeenCall[] = [];
  const open = new Map<string, SeenCall>();
  for (const each of text.split('\n')) {
    const [, pid = '', rest = ''] = /^(?:(\d+) +)?(.*)$/.exec(each) ?? [];
    const [, resumed] = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest) ?? [];
    if (resumed !== undefined) {
      const call = open.get(pid);
      if (call !== undefined) call.line += resumed;
      open.delete(pid);
      continue;
    }
    const [, name] = /^(\w+)\(/.exec(rest) ?? [];
    if (name === undefined) continue; // +++ exited with 0 +++, --- SIGCHLD ---
    const call = { pid, name, line: rest.replace(/ <unfinished \.\.\.>$/, '') };
    if (call.line !== rest) open.set(pid, call);
    calls.push(call);
  }
  for (const call of calls) call.line = call.line.replace(/\) +(=|<detached)/, ') $1');
  return calls;
}

/** A plan compared with what strace has seen. */
export interface Comparison {
  /** For each step, the calls that are it. */
  seen: string[][];
  /** Indexes of steps that were not seen. */
  missing: number[];
  /** Calls that are no step, and why they are there; undefined if nothing explains them. */
  others: { line: string; because: string | undefined }[];
}

/** So many calls that are no step may be between two steps. More would mean that one was missed, and all others after it. */
const MOST_BETWEEN = 80;

/** Finds the steps of a plan, in order, among the calls that strace has seen. @param own what is expected besides */
export function compareCalls(
  steps: readonly PlannedStep[],
  calls: readonly SeenCall[],
  own: readonly OwnCall[],
): Comparison {
  const seen: string[][] = [];
  const missing: number[] = [];
  const used = new Set<number>();
  let at = 0;
  for (const [index, step] of steps.entries()) {
    const fits = fitting(step);
    let found = at;
    while (found < calls.length && (index === 0 || found - at < MOST_BETWEEN) && !fits(calls[found])) found++;
    const first = index === 0 || found - at < MOST_BETWEEN ? calls[found] : undefined;
    if (first === undefined) {
      missing.push(index);
      seen.push([]);
      continue;
    }
    at = found + 1;
    used.add(found);
    const lines = [first.line];
    // the program is looked for in each folder of PATH
    const isProgram = index === steps.length - 1 && step.call.startsWith('execve');
    for (; isProgram && calls[at]?.name === 'execve'; at++) {
      used.add(at);
      lines.push(calls[at]?.line ?? '');
    }
    seen.push(lines);
  }
  const others = beforeProgram(calls, at - 1)
    .filter((index) => !used.has(index))
    .map((index) => {
      const line = calls[index]?.line ?? '';
      return { line, because: own.find(({ call }) => call.test(line))?.because };
    });
  return { seen, missing, others };
}

/**
 * Indexes of the calls that are foster's: not those of the program, which may be followed, and of its children.
 * @param end index of the execve(2) of the program
 */
function beforeProgram(calls: readonly SeenCall[], end: number): number[] {
  const program = calls[end]?.pid;
  const known = new Set(calls.slice(0, end + 1).map(({ pid }) => pid));
  return [...calls.keys()].filter((index) => {
    const pid = calls[index]?.pid ?? '';
    return known.has(pid) && (pid !== program || index <= end || calls[index]?.pid === calls[0]?.pid);
  });
}

/** How a step looks in strace where that is not as it is printed. */
const OTHERWISE: readonly [step: RegExp, line: RegExp][] = [
  [/^execve\("\/proc\/self\/exe"/, /^execve(at)?\(/],
  [/^execveat\(foster-init/, /^execveat\(/],
  [/^write\(control, "R", 1\)/, /^sendto\(\d+, "R", 1,/],
  [/^read\(control\)/, /^read\(\d+, "R", 1\)/],
];

/** A program that is executed from outside: the child is not followed. */
const STARTS_PROGRAM = /^clone\(.*CLONE_VFORK\|SIGCHLD/;

function fitting({ call, phase }: PlannedStep): (seen: SeenCall | undefined) => boolean {
  const namespaces = call.match(/CLONE_NEW\w+/g);
  if (phase === 'foster' && call.startsWith('clone('))
    return (seen) =>
      seen?.name === 'clone' &&
      ['CLONE_PIDFD', ...(namespaces ?? [])].every((flag) => seen.line.includes(flag));
  const isStarted = phase === 'foster' && call.startsWith('execve(');
  const [, otherwise] = isStarted
    ? [call, STARTS_PROGRAM]
    : (OTHERWISE.find(([step]) => step.test(call)) ?? []);
  if (otherwise !== undefined) return (seen) => seen !== undefined && otherwise.test(seen.line);
  const [, name] = /^(\w+)\(/.exec(call) ?? [];
  // strace prints the descriptor of a file that is written to, and not its path
  const wanted = phase === 'foster' && name === 'write' ? stringsOf(call).slice(-1) : stringsOf(call);
  return (seen) => {
    if (seen === undefined || (seen.name !== name && seen.name !== `${name}at`)) return false;
    const has = stringsOf(seen.line);
    return wanted.every((text) =>
      has.some((one) => one === text || (text.endsWith('...') && one.startsWith(text.slice(0, 40)))),
    );
  };
}

/** The strings of a call, without what differs from run to run: ids of containers. */
function stringsOf(call: string): string[] {
  const strings = call.match(/"(?:[^"\\]|\\.)*"(?:\.\.\.)?/g) ?? [];
  return strings.map((text) =>
    text
      .replace(/^"|"(\.\.\.)?$/g, '')
      .replace(/[0-9a-f]{64}|\b[0-9a-f]{12}\b/g, 'ID')
      .replace(/^\d+$/, 'PID'),
  );
}

/** A call that is no step. */
export interface OwnCall {
  call: RegExp;
  because: string;
}

/** What foster-init does besides the steps. */
export const OWN_OF_INIT: readonly OwnCall[] = [
  { call: /^sendto\(3, "\\/, because: 'reports to foster: a step is done, all is ready' },
  { call: /^read\(3, /, because: 'waits for a word of foster' },
  {
    call: /^(prctl\(PR_SET_NAME|fstat\()/,
    because: 'foster-init, executed again: takes its name, and its plan',
  },
  { call: /^close_range\(/, because: 'lets go of every descriptor but its control socket' },
  { call: /^close\([0-9]+\)/, because: "lets go of the caller's streams, and of its own pipe" },
  { call: /^(pipe2|read)\(/, because: 'a pipe whose end says that the program is executed' },
  { call: /^clone\(child_stack=NULL, flags=SIGCHLD\)/, because: "makes the user's process" },
  { call: /^(dup3|fcntl)\(/, because: 'keeps the descriptors that it still needs' },
  {
    call: /^(capget|capset\(.*inheritable=1<<|prctl\(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE)/,
    because: 'keeps its rights when it executes itself',
  },
  { call: /^openat\(.*"\/proc/, because: 'looks which processes of the container are left' },
  { call: /^(mmap|munmap|madvise|mremap)\(/, because: 'gives back memory that only the start needed' },
  { call: /^rt_sig\w+\(/, because: 'waits for signals, in its loop' },
  { call: /^(wait4|waitid)\(/, because: 'reaps whoever has ended' },
  { call: /^(kill|clock_gettime|exit_group|getpid)\(/, because: 'the end: asks the others to end, and ends' },
];

/** What the launcher does besides the host steps, of the calls that are traced. */
export const OWN_OF_LAUNCHER: readonly OwnCall[] = [
  { call: /^execve\(/, because: 'foster itself, and then its monitor' },
  { call: /^clone\(.*CLONE_CHILD_SETTID/, because: 'strace, which looks at PID 1' },
  { call: /^mkdir\(/, because: "folders of foster's own, for the container and what it keeps" },
  { call: /^write\(/, because: 'writes files of its own' },
  { call: /^unshare\(CLONE_FILES\)/, because: 'becomes the monitor, with descriptors of its own' },
  { call: /^clone\(.*CLONE_VFORK/, because: 'starts a program that foster needs' },
  { call: /^sendto\(\d+, \[\{nlmsg_len/, because: 'asks the kernel about networks' },
  {
    call: /^clone\(child_stack=NULL, flags=SIGCHLD\)/,
    because: 'the janitor, which removes the container if the monitor is killed',
  },
  { call: /^wait4\(/, because: 'waits for its children' },
];

/** The calls of the launcher that are traced: Node makes thousands of others. */
export const TRACED_OF_LAUNCHER =
  'clone,execve,vfork,fork,mount,umount2,unshare,setns,pivot_root,sendto,write,mkdir,mkdirat,wait4';
