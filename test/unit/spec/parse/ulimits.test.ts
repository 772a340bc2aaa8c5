import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUlimit, parseUlimits } from '../../../../src/spec/parse/ulimits.js';

test('--ulimit', () => {
  const cases: [string, string, number, number][] = [
    ['nofile=1024', 'RLIMIT_NOFILE', 1024, 1024],
    ['nofile=1024:4096', 'RLIMIT_NOFILE', 1024, 4096],
    ['core=0', 'RLIMIT_CORE', 0, 0],
    ['nproc=-1', 'RLIMIT_NPROC', -1, -1],
    ['nproc=10:-1', 'RLIMIT_NPROC', 10, -1],
    ['memlock=unlimited', 'RLIMIT_MEMLOCK', -1, -1],
  ];
  for (const [value, type, soft, hard] of cases)
    assert.deepEqual(parseUlimit(value), { type, soft, hard }, value);
});

test('invalid --ulimit', () => {
  const cases: [string, RegExp][] = [
    ['', /expected NAME=SOFT\[:HARD\]/],
    ['nofile', /expected NAME=SOFT/],
    ['files=3', /unknown limit, expected one of as, core/],
    ['NOFILE=3', /unknown limit/],
    ['nofile=', /a limit is a whole number/],
    ['nofile=1:', /a limit is a whole number/],
    ['nofile=1:2:3', /a limit is a whole number/],
    ['nofile=-2', /a limit is a whole number/],
    ['nofile=1.5', /a limit is a whole number/],
    ['nofile=99999999999999999999', /a limit is a whole number/],
    ['nofile=5:4', /the soft limit is above the hard limit/],
    ['nofile=-1:4', /the soft limit is above the hard limit/],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => parseUlimit(value), { name: 'FosterError', exitCode: 125, message }, value);
  }
});

test('the last of several values for a limit wins', () => {
  assert.deepEqual(parseUlimits(['core=0', 'nofile=1', 'core=2']), [
    { type: 'RLIMIT_CORE', soft: 2, hard: 2 },
    { type: 'RLIMIT_NOFILE', soft: 1, hard: 1 },
  ]);
});
