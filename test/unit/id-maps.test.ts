import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isIdMapped, lines } from '../../src/sys/id-maps.js';

const RANGE = [{ start: 100_000, size: 65_536 }];
const map = (mode: Parameters<typeof lines>[0], own: number, ranges = RANGE) =>
  lines(mode, own, ranges).map(({ containerID, hostID, size }) => [containerID, hostID, size]);

test('default: the caller is root, his range all others', () => {
  assert.deepEqual(map('default', 1000), [
    [0, 1000, 1],
    [1, 100_000, 65_536],
  ]);
  assert.deepEqual(map('host', 1000), map('default', 1000));
});

test('keep-id: the caller stands at his own id, the range around it', () => {
  assert.deepEqual(map('keep-id', 1000), [
    [0, 100_000, 1000],
    [1000, 1000, 1],
    [1001, 101_000, 64_536],
  ]);
});

test('keep-id of an id that the range does not reach', () => {
  assert.deepEqual(map('keep-id', 70_000), [
    [0, 100_000, 65_536],
    [70_000, 70_000, 1],
  ]);
  assert.deepEqual(map('keep-id', 65_536), [
    [0, 100_000, 65_536],
    [65_536, 65_536, 1],
  ]);
});

test('keep-id of root is the default', () => {
  assert.deepEqual(map('keep-id', 0), map('default', 0));
});

test('auto: the caller is nobody', () => {
  assert.deepEqual(map('auto', 1000), [[0, 100_000, 65_536]]);
});

test('several ranges follow each other without gaps', () => {
  const two = [
    { start: 100_000, size: 500 },
    { start: 300_000, size: 1000 },
  ];
  assert.deepEqual(map('default', 1000, two), [
    [0, 1000, 1],
    [1, 100_000, 500],
    [501, 300_000, 1000],
  ]);
  assert.deepEqual(map('keep-id', 600, two), [
    [0, 100_000, 500],
    [500, 300_000, 100],
    [600, 600, 1],
    [601, 300_100, 900],
  ]);
});

test('no id is mapped twice, on either side, and all of the range is used', () => {
  for (const mode of ['default', 'keep-id', 'auto'] as const) {
    for (const own of [1, 499, 500, 501, 1499, 1500, 5000]) {
      const made = lines(mode, own, [
        { start: 10_000, size: 500 },
        { start: 20_000, size: 1000 },
      ]);
      const inside = made.flatMap(({ containerID, size }) =>
        Array.from({ length: size }, (_, i) => containerID + i),
      );
      const outside = made.flatMap(({ hostID, size }) => Array.from({ length: size }, (_, i) => hostID + i));
      assert.equal(new Set(inside).size, inside.length, `${mode} ${own}`);
      assert.equal(new Set(outside).size, outside.length, `${mode} ${own}`);
      assert.equal(outside.length, mode === 'auto' ? 1500 : 1501);
    }
  }
});

test('whether an id is mapped', () => {
  const made = lines('keep-id', 70_000, RANGE);
  assert.ok(isIdMapped(0, made) && isIdMapped(65_535, made) && isIdMapped(70_000, made));
  assert.ok(!isIdMapped(65_536, made) && !isIdMapped(70_001, made));
});
