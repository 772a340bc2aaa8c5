import type { Rlimit } from '../spec/types.js';
import { openBelow, requireFileSystem } from './calls.js';
import { type Bytes, constant, type Step, step } from './step.js';

/** Numbers of setrlimit(2), the same on both architectures. */
export const RLIMITS: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

/** prlimit(2) for each. */
export function setLimits(limits: Rlimit[]): Step[] {
  return limits.map(({ type, soft, hard }) => {
    const number = RLIMITS[type];
    if (number === undefined) throw new Error(`unknown limit ${type}`);
    const pair = Buffer.alloc(16);
    pair.writeBigInt64LE(BigInt(soft), 0); // -1 is RLIM_INFINITY
    pair.writeBigInt64LE(BigInt(hard), 8);
    const struct: Bytes = { bytes: pair, text: `{rlim_cur=${words(soft)}, rlim_max=${words(hard)}}` };
    return step(
      `set the limit ${type} to ${words(soft)}`,
      'prlimit64',
      [0, constant(type, number), struct, null],
      {
        advice: { EPERM: `it is above your own hard limit, which only root may raise; see "ulimit -H -a"` },
      },
    );
  });
}

function words(limit: number): string {
  return limit === -1 ? 'RLIM64_INFINITY' : String(limit);
}

/**
 * Kernel parameters of the container's own namespaces: proc_sys(5).
 * @param proc the result that is the root of the container's /proc
 */
export function setSysctls(sysctl: Record<string, string>, proc: string): Step[] {
  return Object.entries(sysctl).flatMap(([name, value]) => {
    const why = `set the kernel parameter ${name} to ${value}`;
    const file = { result: 'sysctl' };
    return [
      openBelow(why, { result: proc }, `sys/${name.replaceAll('.', '/')}`, ['O_WRONLY'], {
        result: 'sysctl',
        advice: { ENOENT: 'this kernel does not have it', ELOOP: NOT_OF_THE_KERNEL },
      }),
      requireFileSystem(why, 'sysctl', 'PROC_SUPER_MAGIC', { advice: { EXDEV: NOT_OF_THE_KERNEL } }),
      step(why, 'write', [file, value, Buffer.byteLength(value)], {
        advice: { EINVAL: 'the kernel does not take that value' },
      }),
      step(why, 'close', [file]),
    ];
  });
}

const NOT_OF_THE_KERNEL = "a volume hides the kernel's own file there: leave out the volume or the parameter";
