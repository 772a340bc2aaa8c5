import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInstant } from '../../../../src/spec/parse/instants.js';
import { FosterError } from '../../../../src/sys/errors.js';

const NOW = 1_764_000_000_000;

test('points in time as in Docker', () => {
  const cases: [string, bigint][] = [
    ['1764000000', 1_764_000_000_000_000_000n],
    ['1764000000.5', 1_764_000_000_500_000_000n],
    ['1764000000.000000001', 1_764_000_000_000_000_001n],
    ['10m', 1_763_999_400_000_000_000n],
    ['1h30m', 1_763_994_600_000_000_000n],
    ['1.5s', 1_763_999_998_500_000_000n],
    ['2025-11-24T16:00:00Z', 1_764_000_000_000_000_000n],
    ['2025-11-24T16:00:00.123456789Z', 1_764_000_000_123_456_789n],
    ['2025-11-24T17:00+01:00', 1_764_000_000_000_000_000n],
    ['2025-11-24T16:00:00', BigInt(new Date(2025, 10, 24, 16).getTime()) * 1_000_000n],
    ['2025-11-24', BigInt(new Date(2025, 10, 24).getTime()) * 1_000_000n],
  ];
  for (const [text, expected] of cases) assert.equal(parseInstant('--since', text, NOW), expected, text);
});

test('invalid points in time are refused', () => {
  for (const text of ['', 'yesterday', '5 m', '2025-13-01', '2025-11-24T25:00', '-5m', '1h30']) {
    assert.throws(() => parseInstant('--since', text, NOW), FosterError, text);
  }
});
