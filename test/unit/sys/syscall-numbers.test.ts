import assert from 'node:assert/strict';
import test from 'node:test';
import { syscallNumber, syscallNumbers } from '../../../src/sys/syscall-numbers.js';

test('known numbers of every architecture', () => {
  const expected = {
    x64: { read: 0, openat2: 437, rt_sigaction: 13, arch_prctl: 158 },
    x86: { read: 3, openat2: 437, rt_sigaction: 174, socketcall: 102 },
    x32: { read: 0, openat2: 437, rt_sigaction: 512 },
    arm64: { read: 63, openat2: 437, rt_sigaction: 134, newfstatat: 79 },
    arm: { read: 3, openat2: 437, rt_sigaction: 174, set_tls: 983045 },
  } as const;
  for (const architecture of ['x64', 'x86', 'x32', 'arm64', 'arm'] as const) {
    const numbers = syscallNumbers(architecture);
    assert.ok(numbers.size > 300);
    for (const [name, number] of Object.entries(expected[architecture]))
      assert.equal(numbers.get(name), number);
  }
  assert.equal(syscallNumbers('arm64').get('open'), undefined);
});

test('the short list that plans use agrees with the whole table, on both machines', () => {
  const own = process.arch;
  try {
    for (const architecture of ['x64', 'arm64'] as const) {
      Object.defineProperty(process, 'arch', { ...PROPERTY, value: architecture });
      for (const [name, number] of syscallNumbers(architecture))
        assert.equal(syscallNumber(name), number, name);
    }
  } finally {
    Object.defineProperty(process, 'arch', { ...PROPERTY, value: own });
  }
});

const PROPERTY = { configurable: true, enumerable: true, writable: false };

test('unknown system calls', () => {
  for (const name of ['', 'nope', 'constructor', '-', 'READ'])
    assert.throws(() => syscallNumber(name), /there is no system call/);
});
