import assert from 'node:assert/strict';
import test from 'node:test';
import { compileSeccomp } from '../../../../src/plan/seccomp/compile.js';
import { defaultSeccompProfile } from '../../../../src/spec/seccomp-profile.js';
import type { Seccomp, SeccompArg, SeccompOperator, SeccompSyscall } from '../../../../src/spec/types.js';
import { resolveCapabilities } from '../../../../src/sys/capabilities.js';
import { type SyscallArchitecture, syscallNumbers } from '../../../../src/sys/syscall-numbers.js';
import { interpret } from './bpf-interpreter.js';

const X86_64 = 0xc000003e;
const I386 = 0x40000003;
const AARCH64 = 0xc00000b7;
const ARM = 0x40000028;
const RISCV64 = 0xc00000f3;
const X32_BIT = 0x40000000;

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const errno = (number: number) => 0x00050000 + number;
const EPERM = errno(1);
const ENOSYS = errno(38);

const ALL_X64 = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];
const ALL_ARM64 = ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'];

interface Abi {
  machine: 'x64' | 'arm64';
  name: SyscallArchitecture;
  arch: number;
  bit: number;
  width: bigint;
}

const ABIS: Abi[] = [
  { machine: 'x64', name: 'x64', arch: X86_64, bit: 0, width: 64n },
  { machine: 'x64', name: 'x86', arch: I386, bit: 0, width: 32n },
  { machine: 'x64', name: 'x32', arch: X86_64, bit: X32_BIT, width: 64n },
  { machine: 'arm64', name: 'arm64', arch: AARCH64, bit: 0, width: 64n },
  { machine: 'arm64', name: 'arm', arch: ARM, bit: 0, width: 32n },
];

const NATIVE: Abi = ABIS[0] as Abi;

function numberOf(name: string, abi: Abi = NATIVE): number {
  const number = syscallNumbers(abi.name).get(name);
  assert.ok(number !== undefined, `${name} on ${abi.name}`);
  return number + abi.bit;
}

function holds({ index, value, valueTwo = 0, op }: SeccompArg, args: bigint[], width: bigint): boolean {
  const actual = BigInt.asUintN(Number(width), args[index] ?? 0n);
  const [first, second] = [value, valueTwo].map((number) => BigInt.asUintN(Number(width), BigInt(number)));
  assert.ok(first !== undefined && second !== undefined);
  const results: Record<SeccompOperator, boolean> = {
    SCMP_CMP_NE: actual !== first,
    SCMP_CMP_LT: actual < first,
    SCMP_CMP_LE: actual <= first,
    SCMP_CMP_EQ: actual === first,
    SCMP_CMP_GE: actual >= first,
    SCMP_CMP_GT: actual > first,
    SCMP_CMP_MASKED_EQ: (actual & first) === (second & first),
  };
  return results[op];
}

/** Reads an allow-list as a person would: allowed by any of its entries, else refused by one, else the default. */
function expected(profile: Seccomp, names: string[], args: bigint[], width: bigint): number {
  const entries = profile.syscalls.filter((entry) => entry.names.some((name) => names.includes(name)));
  const matching = entries.filter((entry) => (entry.args ?? []).every((arg) => holds(arg, args, width)));
  if (matching.some(({ action }) => action === 'SCMP_ACT_ALLOW')) return ALLOW;
  return errno(matching[0]?.errnoRet ?? profile.defaultErrnoRet ?? 1);
}

const INTERESTING = [
  0n,
  1n,
  8n,
  16n,
  37n,
  38n,
  39n,
  40n,
  45n,
  46n,
  0x20000n,
  0x20008n,
  0x7e020000n,
  0x10000011n,
];
const WIDE = [0xffffffffn, 0x100000000n, 0x100000008n, 0xffffffffffffffffn, 0x1200011n, 0x3d0f00n];

for (const capabilities of [resolveCapabilities([], []), [], resolveCapabilities(['ALL'], [])]) {
  test(`the default profile with ${capabilities.length} capabilities gives the right result for every call`, () => {
    const profile = defaultSeccompProfile(capabilities);
    for (const abi of ABIS) {
      const architectures = abi.machine === 'x64' ? ALL_X64 : ALL_ARM64;
      const program = compileSeccomp({ ...profile, architectures }, abi.machine);
      const named = new Set(profile.syscalls.flatMap(({ names }) => names));
      const namesByNumber = new Map<number, string[]>();
      for (const [name, number] of syscallNumbers(abi.name))
        namesByNumber.set(number, [...(namesByNumber.get(number) ?? []), name]);
      const mentioned = [...namesByNumber].filter(([, names]) => names.some((name) => named.has(name)));
      const newest = Math.max(...mentioned.map(([number]) => number).filter((number) => number < 0xf0000));

      for (const number of [...Array(700).keys(), 983041, 983042, 983043, 983045, 983046, 0xfffffff]) {
        const names = namesByNumber.get(number) ?? [];
        const isNewer = number > newest && !names.some((name) => named.has(name));
        for (const value of [...INTERESTING, ...WIDE]) {
          const args = [value];
          const want = isNewer ? ENOSYS : expected(profile, names, args, abi.width);
          const got = interpret(program, { arch: abi.arch, nr: number + abi.bit, args });
          assert.equal(got, want, `${abi.name} ${number} ${names} (${value})`);
        }
      }
    }
  });
}

test('the purpose of the default profile', () => {
  const profile = { ...defaultSeccompProfile(resolveCapabilities([], [])), architectures: ALL_X64 };
  const program = compileSeccomp(profile, 'x64');
  const decide = (name: string, ...args: bigint[]) =>
    interpret(program, { arch: X86_64, nr: numberOf(name), args });
  const AF = { UNIX: 1n, INET: 2n, NETLINK: 16n, ALG: 38n, VSOCK: 40n };
  for (const name of ['read', 'execve', 'ptrace', 'chroot', 'personality', 'mseal', 'fchmodat2'])
    assert.equal(decide(name), ALLOW, name);
  for (const name of [
    'mount',
    'unshare',
    'setns',
    'bpf',
    'keyctl',
    'add_key',
    'reboot',
    'init_module',
    'swapon',
  ])
    assert.equal(decide(name), EPERM, name);
  for (const name of ['io_uring_setup', 'userfaultfd', 'perf_event_open', 'kexec_load', 'open_by_handle_at'])
    assert.equal(decide(name), EPERM, name);
  for (const family of [AF.UNIX, AF.INET, AF.NETLINK]) assert.equal(decide('socket', family), ALLOW);
  for (const family of [AF.ALG, AF.VSOCK, 99n]) assert.equal(decide('socket', family), EPERM);
  assert.equal(decide('clone', 0x1200011n), ALLOW, 'fork');
  assert.equal(decide('clone', 0x3d0f00n), ALLOW, 'pthread_create');
  assert.equal(decide('clone', 0x10000011n), EPERM, 'CLONE_NEWUSER');
  assert.equal(decide('clone3'), ENOSYS);
  assert.equal(decide('personality', 0x40000n), EPERM, 'ADDR_NO_RANDOMIZE');

  const admin = compileSeccomp(defaultSeccompProfile(['CAP_SYS_ADMIN']), 'x64');
  for (const name of ['mount', 'unshare', 'clone', 'clone3'])
    assert.equal(interpret(admin, { arch: X86_64, nr: numberOf(name), args: [0x10000000n] }), ALLOW, name);
});

test('unlisted architectures are killed, and those of other machines ignored', () => {
  const profile = defaultSeccompProfile([]);
  const nr = numberOf('getpid');
  const none = compileSeccomp(profile, 'x64');
  assert.equal(interpret(none, { arch: X86_64, nr }), ALLOW);
  assert.equal(interpret(none, { arch: X86_64, nr: nr + X32_BIT }), KILL_PROCESS);
  assert.equal(interpret(none, { arch: X86_64, nr: 0xffffffff }), EPERM, 'a call that a tracer skips');
  assert.equal(interpret(none, { arch: I386, nr: 20 }), KILL_PROCESS);
  const all = compileSeccomp(
    { ...profile, architectures: [...ALL_X64, ...ALL_ARM64, 'SCMP_ARCH_S390X'] },
    'x64',
  );
  assert.equal(interpret(all, { arch: I386, nr: 20 }), ALLOW);
  assert.equal(interpret(all, { arch: AARCH64, nr: 172 }), KILL_PROCESS);
  assert.equal(interpret(all, { arch: RISCV64, nr: 172 }), KILL_PROCESS);
});

test('every comparison, on 64 bits and on 32', () => {
  const operators: SeccompOperator[] = [
    'SCMP_CMP_NE',
    'SCMP_CMP_LT',
    'SCMP_CMP_LE',
    'SCMP_CMP_EQ',
    'SCMP_CMP_GE',
    'SCMP_CMP_GT',
    'SCMP_CMP_MASKED_EQ',
  ];
  const values = [
    0,
    1,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x1ffffffff,
    0x200000001,
    2 ** 53 - 1,
  ];
  const actual = values.flatMap((value) => [BigInt(value), BigInt(value) + 1n]).concat(0xffffffffffffffffn);
  for (const op of operators) {
    for (const value of values) {
      const valueTwo = Number(BigInt(value) | 0x10000000000010n); // with bits that most of the masks clear
      const args: SeccompArg[] = [{ index: 5, op, value, valueTwo }];
      const syscalls: Seccomp['syscalls'] = [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args }];
      const program = compileSeccomp(
        { defaultAction: 'SCMP_ACT_TRAP', architectures: ALL_X64, syscalls },
        'x64',
      );
      for (const abi of ABIS.slice(0, 2)) {
        for (const last of actual) {
          const given = [0n, 0n, 0n, 0n, 0n, abi.width === 32n ? last & 0xffffffffn : last];
          const want = args.every((arg) => holds(arg, given, abi.width)) ? ALLOW : 0x00030000;
          const got = interpret(program, { arch: abi.arch, nr: numberOf('read', abi), args: given });
          assert.equal(got, want, `${abi.name}: ${last} ${op} ${value}`);
        }
      }
    }
  }
});

/** The verdict on x86-64's `read` with these arguments. */
function decideRead(profile: Omit<Seccomp, 'architectures'>, ...args: bigint[]): number {
  return interpret(compileSeccomp(profile, 'x64'), { arch: X86_64, nr: 0, args });
}

test('actions', async (t) => {
  const cases: [Seccomp['syscalls'][number]['action'], number | undefined, number][] = [
    ['SCMP_ACT_ALLOW', undefined, ALLOW],
    ['SCMP_ACT_ALLOW', 5, ALLOW],
    ['SCMP_ACT_ERRNO', undefined, EPERM],
    ['SCMP_ACT_ERRNO', 0, errno(0)],
    ['SCMP_ACT_ERRNO', 4095, errno(4095)],
    ['SCMP_ACT_KILL', undefined, 0],
    ['SCMP_ACT_KILL_THREAD', undefined, 0],
    ['SCMP_ACT_KILL_PROCESS', undefined, KILL_PROCESS],
    ['SCMP_ACT_TRAP', undefined, 0x00030000],
    ['SCMP_ACT_TRACE', 7, 0x7ff00007],
    ['SCMP_ACT_LOG', undefined, 0x7ffc0000],
  ];
  for (const [action, errnoRet, want] of cases) {
    await t.test(`${action} ${errnoRet ?? ''}`, () => {
      const extra = errnoRet === undefined ? {} : { errnoRet };
      const syscalls = [{ names: ['read'], action, ...extra }];
      assert.equal(decideRead({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }), want);
      const asDefault = {
        defaultAction: action,
        ...(errnoRet === undefined ? {} : { defaultErrnoRet: errnoRet }),
      };
      assert.equal(decideRead({ ...asDefault, syscalls: [] }), want);
    });
  }
});

test('rules on one call', () => {
  const when = (index: number, value: number): SeccompArg => ({ index, value, op: 'SCMP_CMP_EQ' });
  const rule = (errnoRet: number, ...args: SeccompArg[]): SeccompSyscall => ({
    names: ['read'],
    action: 'SCMP_ACT_ERRNO',
    errnoRet,
    args,
  });
  const profile = (...syscalls: Seccomp['syscalls']): Seccomp => ({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls,
  });

  const both = profile(rule(10, when(0, 1), when(1, 2)));
  assert.equal(decideRead(both, 1n, 2n), errno(10), 'two arguments: both count');
  assert.equal(decideRead(both, 1n, 3n), ALLOW);
  assert.equal(decideRead(both, 3n, 2n), ALLOW);
  const either = profile(rule(10, when(0, 1), when(0, 2)));
  assert.equal(decideRead(either, 1n), errno(10), 'one argument twice: either counts');
  assert.equal(decideRead(either, 2n), errno(10));
  assert.equal(decideRead(either, 3n), ALLOW);
  const inOrder = profile(rule(10, when(0, 1)), rule(11, when(1, 1)));
  assert.equal(decideRead(inOrder, 1n, 1n), errno(10));
  assert.equal(decideRead(inOrder, 0n, 1n), errno(11));
  assert.equal(
    decideRead(profile(rule(10, when(0, 1)), rule(11)), 1n),
    errno(11),
    'one without arguments wins',
  );
  assert.equal(decideRead(profile(rule(10), rule(11)), 1n), errno(10), 'the first of two without arguments');
});

test('a rule that repeats the default has no effect', () => {
  const refuse: SeccompSyscall = { names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 };
  const allow: SeccompSyscall = { names: ['read'], action: 'SCMP_ACT_ALLOW' };
  const defaultAction = 'SCMP_ACT_ERRNO';
  assert.equal(decideRead({ defaultAction, syscalls: [refuse, allow] }), ALLOW);
  assert.equal(decideRead({ defaultAction, syscalls: [{ ...refuse, errnoRet: 2 }, allow] }), errno(2));
});

test('calls that are newer than the profile fail with ENOSYS, unless the default lets them happen', () => {
  const syscalls = [
    { names: ['read', 'openat2'], action: 'SCMP_ACT_ALLOW' },
    { names: ['write'], action: 'SCMP_ACT_ERRNO', errnoRet: 5 },
  ] as const;
  const decide = (defaultAction: Seccomp['defaultAction'], name: string) => {
    const list = syscalls.map((entry) => ({ ...entry, names: [...entry.names] }));
    return interpret(compileSeccomp({ defaultAction, syscalls: list }, 'x64'), {
      arch: X86_64,
      nr: numberOf(name),
    });
  };
  assert.equal(decide('SCMP_ACT_ERRNO', 'pidfd_getfd'), ENOSYS);
  assert.equal(decide('SCMP_ACT_ERRNO', 'close_range'), EPERM, 'older than openat2');
  assert.equal(decide('SCMP_ACT_KILL_PROCESS', 'mseal'), ENOSYS);
  assert.equal(decide('SCMP_ACT_ALLOW', 'mseal'), ALLOW);
});

test('an unknown name is ignored', () => {
  const syscalls: Seccomp['syscalls'] = [{ names: ['no_such_call', 'read'], action: 'SCMP_ACT_ALLOW' }];
  assert.equal(decideRead({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }), ALLOW);
});

test('a large profile: far jumps work, and a program that is too large is refused', () => {
  const names = [...syscallNumbers('x64').keys()].slice(0, 300);
  const build = (rules: number): Seccomp => ({
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: names.flatMap((name, position) =>
      Array.from({ length: rules }, (_, round) => ({
        names: [name],
        action: 'SCMP_ACT_ERRNO' as const,
        errnoRet: 100 + ((position + round) % 7),
        args: [{ index: round, value: position + 1, op: 'SCMP_CMP_EQ' as const }],
      })),
    ),
  });
  const program = compileSeccomp(build(2), 'x64');
  assert.ok(program.length / 8 > 2000);
  for (const [position, name] of names.entries()) {
    const decide = (...args: bigint[]) => interpret(program, { arch: X86_64, nr: numberOf(name), args });
    const value = BigInt(position + 1);
    assert.equal(decide(value, 0n), errno(100 + (position % 7)), name);
    assert.equal(decide(0n, value), errno(100 + ((position + 1) % 7)), name);
    assert.equal(decide(0n, 0n), EPERM, name);
  }
  assert.throws(() => compileSeccomp(build(5), 'x64'), {
    name: 'FosterError',
    message: /the kernel accepts 4096$/,
  });
});
