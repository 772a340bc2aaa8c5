import { SYSCALL_TABLE } from './syscall-table.js';

/** Columns of the table, in its order, after the name. */
const ARCHITECTURES = ['x64', 'x86', 'x32', 'arm64', 'arm'] as const;

/**
 * An ABI with its own system call numbers, named as in `process.arch`. Those of x32 are without the bit that marks
 * them.
 */
export type SyscallArchitecture = (typeof ARCHITECTURES)[number];

/**
 * Numbers of the calls that plans use, on x64 and arm64: parsing the whole table, which has all others, would delay the
 * start of a container by 2 ms.
 */
const FREQUENT: Readonly<Record<string, readonly [number, number]>> = {
  capset: [126, 91],
  chdir: [80, 49],
  close: [3, 57],
  dup3: [292, 24],
  fchdir: [81, 50],
  fchown: [93, 55],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  getpid: [39, 172],
  ioctl: [16, 29],
  keyctl: [250, 219],
  mkdirat: [258, 34],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  open_tree: [428, 428],
  openat: [257, 56],
  openat2: [437, 437],
  pivot_root: [155, 41],
  prctl: [157, 167],
  prlimit64: [302, 261],
  seccomp: [317, 277],
  sendmsg: [46, 211],
  setgroups: [116, 159],
  sethostname: [170, 161],
  setns: [308, 268],
  setpgid: [109, 154],
  setresgid: [119, 149],
  setresuid: [117, 147],
  setsid: [112, 157],
  socket: [41, 198],
  symlinkat: [266, 36],
  umask: [95, 166],
  umount2: [166, 39],
  unlinkat: [263, 35],
  unshare: [272, 97],
  write: [1, 64],
};

/**
 * The number of a system call on this machine.
 * @throws Error for an unknown name
 */
export function syscallNumber(name: string): number {
  const column = process.arch === 'arm64' ? 1 : 0;
  const frequent = Object.hasOwn(FREQUENT, name) ? FREQUENT[name] : undefined;
  const number = frequent?.[column] ?? syscallNumbers(column === 1 ? 'arm64' : 'x64').get(name);
  if (number === undefined) throw new Error(`there is no system call ${name} on ${process.arch}`);
  return number;
}

/** Every system call of an architecture with its number, by name. */
export function syscallNumbers(architecture: SyscallArchitecture): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  const column = 1 + ARCHITECTURES.indexOf(architecture);
  for (const line of SYSCALL_TABLE.trim().split('\n')) {
    const fields = line.split(' ');
    const [name, number] = [fields[0], fields[column]];
    if (name !== undefined && number !== undefined && number !== '-') numbers.set(name, Number(number));
  }
  return numbers;
}
