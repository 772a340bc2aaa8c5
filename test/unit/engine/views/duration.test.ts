import assert from 'node:assert/strict';
import { test } from 'node:test';
import { humanDuration, humanSince } from '../../../../src/engine/views/duration.js';

test("Docker's words for durations", () => {
  const second = 1000;
  const hour = 3600 * second;
  const day = 24 * hour;
  const cases: [number, string][] = [
    [-5 * second, 'Less than a second'],
    [0, 'Less than a second'],
    [999, 'Less than a second'],
    [second, '1 second'],
    [59.9 * second, '59 seconds'],
    [60 * second, 'About a minute'],
    [119 * second, 'About a minute'],
    [120 * second, '2 minutes'],
    [59 * 60 * second, '59 minutes'],
    [hour, 'About an hour'],
    [1.4 * hour, 'About an hour'],
    [1.5 * hour, '2 hours'],
    [47 * hour, '47 hours'],
    [48 * hour, '2 days'],
    [13 * day, '13 days'],
    [14 * day, '2 weeks'],
    [59 * day, '8 weeks'],
    [60 * day, '2 months'],
    [729 * day, '24 months'],
    [731 * day, '2 years'],
    [Number.NaN, 'Less than a second'],
  ];
  for (const [milliseconds, expected] of cases) assert.equal(humanDuration(milliseconds), expected);
});

test('since an instant', () => {
  assert.equal(humanSince('2026-11-24T10:00:00Z', Date.parse('2026-11-24T10:03:10Z')), '3 minutes');
});
