import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  changeDefaultEnv,
  mergeEnv,
  parseEnv,
  parseEnvFile,
} from '../../../../src/spec/parse/environment.js';

const caller = { HOME: '/home/me', EMPTY: '' };

test('-e', () => {
  const cases: [string, string[]][] = [
    ['A=b', ['A=b']],
    ['A=', ['A=']],
    ['A=b=c', ['A=b=c']],
    ['HOME', ['HOME=/home/me']],
    ['EMPTY', ['EMPTY=']],
    ['UNSET', []],
    ['HO*', ['HOME=/home/me']],
    ['*', ['HOME=/home/me', 'EMPTY=']],
  ];
  for (const [value, expected] of cases) assert.deepEqual(parseEnv(value, caller), expected, value);
  for (const value of ['', '=x', '=']) {
    assert.throws(() => parseEnv(value, caller), {
      name: 'FosterError',
      message: /^-e '.*': expected NAME=value/,
    });
  }
});

test('--env-file: comments, bare names, no processing of quotes', () => {
  const text = [
    '\ufeffFIRST=1',
    '# a comment',
    '',
    '   # another',
    '  INDENTED=x ',
    'QUOTED="a b"',
    "SINGLE='c'",
    'HASH=a # b',
    'BACK=a\\nb',
    'HOME',
    'UNSET',
    'CRLF=y\r',
    'EQUALS=a=b',
  ].join('\n');
  assert.deepEqual(parseEnvFile(text, 'f', caller), [
    'FIRST=1',
    'INDENTED=x ',
    'QUOTED="a b"',
    "SINGLE='c'",
    'HASH=a # b',
    'BACK=a\\nb',
    'HOME=/home/me',
    'CRLF=y',
    'EQUALS=a=b',
  ]);
});

test('errors in an --env-file name the line', () => {
  const cases: [string, RegExp][] = [
    ['A=1\nB C=2', /^--env-file 'f', line 2: the variable name 'B C' contains white space/],
    ['=2', /line 1: there is no variable name/],
    ['export A=1', /line 1: the variable name 'export A' contains white space/],
    ['A=1\n\nB=\0', /line 3: a variable cannot contain a NUL byte/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseEnvFile(text, 'f', caller), { name: 'FosterError', message });
  }
});

test('merged lists: first place, last value', () => {
  assert.deepEqual(mergeEnv(['A=1', 'B=2'], ['C=3', 'A=4=5']), ['A=4=5', 'B=2', 'C=3']);
});

test('--env-merge, --unsetenv, --unsetenv-all', () => {
  const defaults = ['PATH=/bin', 'HOME=/root'];
  const change = (changes: Partial<Parameters<typeof changeDefaultEnv>[1]>) =>
    changeDefaultEnv(defaults, { merge: [], unset: [], unsetAll: false, ...changes });
  assert.deepEqual(change({}), defaults);
  assert.deepEqual(change({ merge: [`PATH=/opt:\${PATH}:$HOME/bin`] }), [
    'PATH=/opt:/bin:/root/bin',
    'HOME=/root',
  ]);
  assert.deepEqual(change({ merge: ['NEW=$PATH'] }), defaults);
  assert.deepEqual(change({ merge: ['PATH=$NONE.'], unset: ['HOME'] }), ['PATH=.']);
  assert.deepEqual(change({ unsetAll: true }), []);
});
