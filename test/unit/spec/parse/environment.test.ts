import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeEnv, parseEnv, parseEnvFile } from '../../../../src/spec/parse/environment.js';

const caller = { HOME: '/home/me', EMPTY: '' };

test('-e', () => {
  const cases: [string, string | undefined][] = [
    ['A=b', 'A=b'],
    ['A=', 'A='],
    ['A=b=c', 'A=b=c'],
    ['HOME', 'HOME=/home/me'],
    ['EMPTY', 'EMPTY='],
    ['UNSET', undefined],
  ];
  for (const [value, expected] of cases) assert.equal(parseEnv(value, caller), expected, value);
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
