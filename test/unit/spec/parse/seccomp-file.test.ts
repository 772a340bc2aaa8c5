import assert from 'node:assert/strict';
import test from 'node:test';
import { type ProfileFacts, parseSeccompProfile } from '../../../../src/spec/parse/seccomp-file.js';

const FACTS: ProfileFacts = {
  architecture: 'x64',
  capabilities: ['CAP_CHOWN', 'CAP_BPF'],
  kernelRelease: '6.1.0-9',
};

function parse(document: unknown, facts: Partial<ProfileFacts> = {}) {
  return parseSeccompProfile(JSON.stringify(document), 'p.json', { ...FACTS, ...facts });
}

test('a profile in the format of the OCI', () => {
  const args = [{ index: 1, value: 4294967295, valueTwo: 3, op: 'SCMP_CMP_MASKED_EQ' }];
  const profile = {
    defaultAction: 'SCMP_ACT_KILL_PROCESS',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [
      { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW', args },
      { names: ['open'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 },
    ],
  };
  assert.deepEqual(parse(profile), profile);
  assert.deepEqual(parse({ defaultAction: 'SCMP_ACT_LOG' }), {
    defaultAction: 'SCMP_ACT_LOG',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [],
  });
});

test("a profile in Docker's form, as Go writes it", () => {
  const profile = parse({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    archMap: [
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    ],
    syscalls: [
      { name: 'read', action: 'SCMP_ACT_ALLOW', args: null, includes: {}, excludes: null, comment: 'x' },
      { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 40, op: 'SCMP_CMP_NE' }] },
    ],
  });
  assert.deepEqual(profile, {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ALLOW' },
      {
        names: ['socket'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 40, valueTwo: 0, op: 'SCMP_CMP_NE' }],
      },
    ],
  });
});

test("an errno by name, as in Podman's profiles", () => {
  const syscalls = [{ names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, errno: 'EACCES' }];
  const profile = parse({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    defaultErrno: 'ENOSYS',
    syscalls,
  });
  assert.equal(profile.defaultErrnoRet, 38);
  assert.equal(profile.syscalls[0]?.errnoRet, 13);
  assert.equal(parse({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrno: '22' }).defaultErrnoRet, 22);
  assert.equal(
    parse({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrno: '', defaultErrnoRet: 5 }).defaultErrnoRet,
    5,
  );
});

test('conditions', async (t) => {
  const cases: [object, boolean][] = [
    [{}, true],
    [{ includes: { caps: ['CAP_CHOWN'] } }, true],
    [{ includes: { caps: ['CAP_CHOWN', 'CAP_BPF'] } }, true],
    [{ includes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } }, false],
    [{ excludes: { caps: ['CAP_SYS_ADMIN', 'CAP_BPF'] } }, false],
    [{ excludes: { caps: ['CAP_SYS_ADMIN'] } }, true],
    [{ includes: { arches: ['amd64', 'x32'] } }, true],
    [{ includes: { arches: ['arm64'] } }, false],
    [{ excludes: { arches: ['amd64'] } }, false],
    [{ excludes: { arches: ['s390x'] } }, true],
    [{ includes: { minKernel: '4.8' } }, true],
    [{ includes: { minKernel: '6.1' } }, true],
    [{ includes: { minKernel: '6.2' } }, false],
    [{ includes: { minKernel: '7.0' } }, false],
    [{ includes: { minKernel: '5.19.3' } }, true],
    [{ includes: { minKernel: '' } }, true],
    [{ excludes: { minKernel: '4.8' } }, false],
    [{ excludes: { minKernel: '6.10' } }, true],
    [{ includes: { arches: ['amd64'], caps: ['CAP_BPF'] }, excludes: { caps: ['CAP_CHOWN'] } }, false],
  ];
  for (const [conditions, applies] of cases) {
    await t.test(JSON.stringify(conditions), () => {
      const entry = { names: ['read'], action: 'SCMP_ACT_ALLOW', ...conditions };
      const { syscalls } = parse({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [entry] });
      assert.equal(syscalls.length, applies ? 1 : 0);
    });
  }
  const entry = { names: ['read'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.8' } };
  const { kernelRelease: _, ...facts } = FACTS;
  const text = JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [entry] });
  assert.equal(parseSeccompProfile(text, 'p.json', facts).syscalls.length, 1, 'on this kernel');
});

test('errors in a profile are one sentence with the position', async (t) => {
  const allow = { names: ['read'], action: 'SCMP_ACT_ALLOW' };
  const arg = { index: 0, value: 1, op: 'SCMP_CMP_EQ' };
  const syscall = (extra: object) => ({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [allow, { ...allow, ...extra }],
  });
  const cases: [string, unknown, RegExp][] = [
    ['array', [], /: expected an object$/],
    ['null', null, /: expected an object$/],
    ['empty', {}, /: defaultAction is missing$/],
    [
      'action',
      { defaultAction: 'ALLOW' },
      /: defaultAction: 'ALLOW' is not supported, expected one of SCMP_ACT_ALLOW/,
    ],
    [
      'notify',
      syscall({ action: 'SCMP_ACT_NOTIFY' }),
      /: syscalls\[1\]\.action: 'SCMP_ACT_NOTIFY' is not supported/,
    ],
    ['no action', syscall({ action: null }), /: syscalls\[1\]: action is missing$/],
    ['syscalls', { defaultAction: 'SCMP_ACT_ALLOW', syscalls: {} }, /: syscalls: expected an array$/],
    [
      'entry',
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: ['read'] },
      /: syscalls\[0\]: expected an object$/,
    ],
    ['names', syscall({ names: 'read' }), /: syscalls\[1\]\.names: expected an array$/],
    ['names of numbers', syscall({ names: [1] }), /: syscalls\[1\]\.names\[0\]: expected a string$/],
    ['no names', syscall({ names: [] }), /: syscalls\[1\]: names is missing or empty$/],
    ['both names', syscall({ name: 'read' }), /: syscalls\[1\]: name and names cannot be used together$/],
    [
      'errno',
      syscall({ errnoRet: 4096 }),
      /: syscalls\[1\]\.errnoRet: expected a whole number from 0 to 4095$/,
    ],
    ['errno name', syscall({ errno: 'EWHAT' }), /: syscalls\[1\]\.errno: 'EWHAT' is not an errno$/],
    [
      'index',
      syscall({ args: [{ ...arg, index: 6 }] }),
      /: syscalls\[1\]\.args\[0\]\.index: expected .* 0 to 5$/,
    ],
    [
      'operator',
      syscall({ args: [{ ...arg, op: '==' }] }),
      /: syscalls\[1\]\.args\[0\]\.op: '==' is not supported/,
    ],
    ['no operator', syscall({ args: [{ index: 0 }] }), /: syscalls\[1\]\.args\[0\]: op is missing$/],
    ['negative', syscall({ args: [{ ...arg, value: -1 }] }), /\.value: expected a whole number/],
    [
      'inexact',
      syscall({ args: [{ ...arg, value: 2 ** 60 }] }),
      /\.value: expected a whole number from 0 to 9007/,
    ],
    [
      'kernel',
      syscall({ includes: { minKernel: 'new' } }),
      /: syscalls\[1\]\.includes\.minKernel: expected a kernel/,
    ],
    [
      'both architectures',
      { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86'], archMap: [{}] },
      /: architectures and archMap cannot be used together$/,
    ],
  ];
  for (const [name, document, expected] of cases) {
    await t.test(name, () =>
      assert.throws(() => parse(document), { name: 'FosterError', exitCode: 125, message: expected }),
    );
  }
  for (const text of ['', '{', 'x\x1b[31m']) {
    assert.throws(() => parseSeccompProfile(text, 'a\nb', FACTS), {
      name: 'FosterError',
      sentence: `the seccomp profile 'a\\nb' is not JSON; check it with "jq . FILE"`,
    });
  }
  assert.throws(
    () => parseSeccompProfile(' '.repeat(2 ** 20 + 1), 'p.json', FACTS),
    /is larger than 1048576 bytes/,
  );
});
