import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { parseSignal, signalName } from '../../../../src/spec/parse/signals.js';

test('names and numbers', () => {
  const cases: [string, number][] = [
    ['TERM', 15],
    ['SIGTERM', 15],
    ['sigterm', 15],
    ['15', 15],
    ['1', 1],
    ['64', 64],
    ['SIGRTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['RTMIN+30', 64],
    ['SIGRTMAX', 64],
    ['rtmax-30', 34],
    ['IOT', 6],
    ['CLD', 17],
    ['POLL', 29],
  ];
  for (const [value, number] of cases) assert.equal(parseSignal('--stop-signal', value), number, value);
});

test('invalid signals', () => {
  for (const value of [
    '',
    '0',
    '65',
    '-1',
    '1.5',
    'SIG',
    '-',
    'NOPE',
    'SIGRTMIN-1',
    'SIGRTMAX+1',
    'RTMIN+31',
    'RTMIN+',
  ]) {
    assert.throws(
      () => parseSignal('--stop-signal', value),
      { name: 'FosterError', message: /^--stop-signal '.*': expected a signal/ },
      value,
    );
  }
});

test('every number has a name that means the number', () => {
  for (let number = 1; number <= 64; number++) assert.equal(parseSignal('x', signalName(number)), number);
  assert.equal(signalName(9), 'SIGKILL');
  assert.equal(signalName(34), 'SIGRTMIN');
  assert.equal(signalName(35), 'SIGRTMIN+1');
  assert.equal(signalName(64), 'SIGRTMAX');
  assert.equal(signalName(0), 'SIG0');
});

test("the table agrees with the machine's", () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    if (name === 'SIGUNUSED') continue;
    assert.equal(parseSignal('x', name), number, name);
  }
});
