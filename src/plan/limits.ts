import type { Rlimit } from '../spec/types.js';
import { RLIMITS } from '../sys/rlimits.js';
import { openBeneath, requireFileSystem } from './calls.js';
import { type Bytes, constant, type Step, step } from './step.js';

/** prlimit(2) for each limit. */
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
        advice: { EPERM: `it exceeds your own hard limit, which only root can raise; see "ulimit -H -a"` },
      },
    );
  });
}

function words(limit: number): string {
  return limit === -1 ? 'RLIM64_INFINITY' : String(limit);
}

/**
 * Kernel parameters of the container's own namespaces: proc_sys(5).
 * @param proc the result with the root of the container's /proc
 */
export function setSysctls(sysctl: Record<string, string>, proc: string): Step[] {
  return Object.entries(sysctl).flatMap(([name, value]) => {
    const why = `set the kernel parameter ${name} to ${value}`;
    const file = { result: 'sysctl' };
    return [
      openBeneath(why, { result: proc }, `sys/${name.replaceAll('.', '/')}`, ['O_WRONLY'], {
        result: 'sysctl',
        advice: { ENOENT: 'this kernel does not have it', ELOOP: HIDDEN_BY_VOLUME },
      }),
      requireFileSystem(why, 'sysctl', 'PROC_SUPER_MAGIC', { advice: { EXDEV: HIDDEN_BY_VOLUME } }),
      step(why, 'write', [file, value, Buffer.byteLength(value)], {
        advice: { EINVAL: 'the kernel does not accept that value' },
      }),
      step(why, 'close', [file]),
    ];
  });
}

const HIDDEN_BY_VOLUME = "a volume hides the kernel's file; omit the volume or the parameter";
