import type { Seccomp, SeccompAction, SeccompArg, SeccompSyscall } from '../../spec/types.js';
import { FosterError } from '../../sys/errors.js';
import { type SyscallArchitecture, syscallNumbers } from '../../sys/syscall-numbers.js';
import { Assembler, type Label } from './bpf.js';

/** Values of seccomp_data.arch: AUDIT_ARCH_*, <linux/audit.h>. */
const AUDIT_ARCH = { x64: 0xc000003e, x86: 0x40000003, arm64: 0xc00000b7, arm: 0x40000028 } as const;

/** The 32-bit ABI that a 64-bit kernel also supports, with its name in the OCI runtime-spec. */
const COMPAT = {
  x64: { abi: 'x86', name: 'SCMP_ARCH_X86' },
  arm64: { abi: 'arm', name: 'SCMP_ARCH_ARM' },
} as const;

/** x32 calls look like x86-64's, with this bit in their number. */
const X32 = { name: 'SCMP_ARCH_X32', bit: 0x40000000 } as const;

/** Start of arm's private calls, <asm/unistd.h>: `set_tls` does not count as the newest call. */
const FIRST_PRIVATE = 0xf0000;

/** An invalid number, which a tracer sets to skip a call. */
const NO_CALL = 0xffffffff;

/** BPF_MAXINSNS. */
const MAX_INSTRUCTIONS = 4096;

/** struct seccomp_data, <linux/seccomp.h>. Arguments are 64 bits wide, their lower half first. */
const DATA = { nr: 0, arch: 4, args: 16 } as const;

const EPERM = 1;
const ENOSYS = 38;

/** Return values of a filter, seccomp(2); an errno is added to those that take one. */
const RETURN: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

/** Actions that permit a call. */
const PERMISSIVE: ReadonlySet<SeccompAction> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE']);

/** If all `conditions` hold, `value` is returned. */
interface Rule {
  conditions: SeccompArg[];
  value: number;
}

/** The result for a call: that of the first rule that holds, else `otherwise`. */
interface Verdict {
  rules: Rule[];
  otherwise: number;
}

/** Call numbers starting at `from`, up to the next range, have the same verdict. */
interface Range {
  from: number;
  verdict: Verdict;
}

/**
 * The classic BPF program (an array of struct sock_filter) of a profile, for a machine of architecture `machine`.
 *
 * The semantics are those of libseccomp for runc: names that an architecture does not have are ignored; a rule without
 * arguments takes precedence over rules with arguments, and the first over later ones; two conditions on one argument
 * are two rules; calls newer than all calls in the profile fail with ENOSYS, so that programs fall back to older ones.
 * If several rules with arguments hold, the first one wins, while libseccomp has its own order. A process that makes a
 * call of an architecture that is not listed is killed.
 * @throws FosterError for a profile that is too large for the kernel
 */
export function compileSeccomp(profile: Seccomp, machine: 'x64' | 'arm64'): Uint8Array {
  const listed = new Set(profile.architectures ?? []);
  const code = new Assembler();
  let other = code.ret(RETURN.SCMP_ACT_KILL_PROCESS);
  const { abi, name } = COMPAT[machine];
  if (listed.has(name)) {
    const section = code.load(DATA.nr, search(code, rangesOf(profile, abi), 32));
    other = code.jump('JEQ', AUDIT_ARCH[abi], section, other);
  }
  const section = code.load(DATA.nr, nativeSearch(code, profile, machine, listed.has(X32.name)));
  code.load(DATA.arch, code.jump('JEQ', AUDIT_ARCH[machine], section, other));
  if (code.length > MAX_INSTRUCTIONS) {
    throw new FosterError(
      `the seccomp profile needs ${code.length} instructions, and the kernel accepts ${MAX_INSTRUCTIONS}`,
      { advice: 'use fewer rules with arguments' },
    );
  }
  return code.assemble();
}

function nativeSearch(code: Assembler, profile: Seccomp, machine: 'x64' | 'arm64', hasX32: boolean): Label {
  if (machine === 'arm64') return search(code, rangesOf(profile, 'arm64'), 64);
  const x32 = hasX32
    ? search(code, rangesOf(profile, 'x32', X32.bit), 64)
    : code.jump('JEQ', NO_CALL, code.ret(defaultOf(profile)), code.ret(RETURN.SCMP_ACT_KILL_PROCESS));
  const own = search(code, rangesOf(profile, 'x64'), 64);
  return code.jump('JGE', X32.bit, x32, own);
}

/** All numbers starting at `base`, as ranges. */
function rangesOf(profile: Seccomp, architecture: SyscallArchitecture, base = 0): Range[] {
  const fallback = { rules: [], otherwise: defaultOf(profile) };
  const verdicts = verdictsOf(profile, syscallNumbers(architecture));
  const numbers = [...verdicts.keys()].sort((a, b) => a - b);
  const newest = numbers.findLast((number) => number < FIRST_PRIVATE) ?? Number.POSITIVE_INFINITY;
  const newer = PERMISSIVE.has(profile.defaultAction)
    ? fallback
    : { rules: [], otherwise: RETURN.SCMP_ACT_ERRNO | ENOSYS };

  const ranges: Range[] = [];
  const append = (from: number, verdict: Verdict): void => {
    const last = ranges.at(-1)?.verdict;
    const same =
      last?.rules.length === 0 && verdict.rules.length === 0 && last.otherwise === verdict.otherwise;
    if (!same) ranges.push({ from: base + from, verdict });
  };
  let next = 0;
  for (const number of numbers) {
    if (number > next) append(next, next > newest ? newer : fallback);
    append(number, verdicts.get(number) ?? fallback);
    next = number + 1;
  }
  append(next, next > newest ? newer : fallback);
  return ranges;
}

/** The verdict for each call in the profile, by number. */
function verdictsOf(profile: Seccomp, numbers: ReadonlyMap<string, number>): Map<number, Verdict> {
  const verdicts = new Map<number, Verdict>();
  const unconditional = new Set<number>();
  const otherwise = defaultOf(profile);
  for (const syscall of profile.syscalls) {
    const value = returnValue(syscall.action, syscall.errnoRet);
    const rules = rulesOf(syscall, value);
    for (const name of syscall.names) {
      const number = numbers.get(name);
      if (number === undefined) continue;
      const verdict = verdicts.get(number) ?? { rules: [], otherwise };
      verdicts.set(number, verdict);
      // a rule that repeats the default has no effect, whatever its position
      if (value === otherwise || unconditional.has(number)) continue;
      if (rules.length > 0) {
        verdict.rules.push(...rules);
      } else {
        unconditional.add(number);
        verdicts.set(number, { rules: [], otherwise: value });
      }
    }
  }
  return verdicts;
}

/** The rules of an entry with arguments; none for one without. */
function rulesOf({ args = [] }: SeccompSyscall, value: number): Rule[] {
  if (args.length === 0) return [];
  const isDistinct = new Set(args.map(({ index }) => index)).size === args.length;
  return isDistinct
    ? [{ conditions: args, value }]
    : args.map((condition) => ({ conditions: [condition], value }));
}

function defaultOf({ defaultAction, defaultErrnoRet }: Seccomp): number {
  return returnValue(defaultAction, defaultErrnoRet);
}

function returnValue(action: SeccompAction, errno = EPERM): number {
  const takesErrno = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE';
  return takesErrno ? RETURN[action] + errno : RETURN[action];
}

/** A binary search for the range of the loaded number. `width` is the size of an argument in bits. */
function search(code: Assembler, ranges: Range[], width: 32 | 64): Label {
  const [first] = ranges;
  if (ranges.length === 1 && first !== undefined) return decide(code, first.verdict, width);
  const middle = ranges.length >> 1;
  const right = search(code, ranges.slice(middle), width);
  const left = search(code, ranges.slice(0, middle), width);
  return code.jump('JGE', ranges[middle]?.from ?? 0, right, left);
}

function decide(code: Assembler, { rules, otherwise }: Verdict, width: 32 | 64): Label {
  let next = code.ret(otherwise);
  for (const { conditions, value } of rules.toReversed()) {
    let holds = code.ret(value);
    for (const condition of conditions.toReversed()) holds = compare(code, condition, width, holds, next);
    next = holds;
  }
  return next;
}

/** Tests one argument; continues at `yes` or `no`. */
function compare(code: Assembler, condition: SeccompArg, width: 32 | 64, yes: Label, no: Label): Label {
  const { op, value, valueTwo = 0, index } = condition;
  const low = DATA.args + 8 * index;
  const high = low + 4;
  const upper = (number: number) => Math.floor(number / 2 ** 32);
  switch (op) {
    case 'SCMP_CMP_NE':
      return compare(code, { ...condition, op: 'SCMP_CMP_EQ' }, width, no, yes);
    case 'SCMP_CMP_LT':
      return compare(code, { ...condition, op: 'SCMP_CMP_GE' }, width, no, yes);
    case 'SCMP_CMP_LE':
      return compare(code, { ...condition, op: 'SCMP_CMP_GT' }, width, no, yes);
    case 'SCMP_CMP_EQ': {
      const test = code.load(low, code.jump('JEQ', value, yes, no));
      return width === 32 ? test : code.load(high, code.jump('JEQ', upper(value), test, no));
    }
    case 'SCMP_CMP_MASKED_EQ': {
      // ignore bits of valueTwo that the mask clears
      const wanted = (valueTwo & value) >>> 0;
      const test = code.load(low, code.and(value, code.jump('JEQ', wanted, yes, no)));
      if (width === 32) return test;
      const wantedUpper = (upper(valueTwo) & upper(value)) >>> 0;
      return code.load(high, code.and(upper(value), code.jump('JEQ', wantedUpper, test, no)));
    }
    case 'SCMP_CMP_GE':
    case 'SCMP_CMP_GT': {
      const test = code.load(low, code.jump(op === 'SCMP_CMP_GE' ? 'JGE' : 'JGT', value, yes, no));
      if (width === 32) return test;
      const equal = code.jump('JEQ', upper(value), test, no);
      return code.load(high, code.jump('JGT', upper(value), yes, equal));
    }
  }
}
