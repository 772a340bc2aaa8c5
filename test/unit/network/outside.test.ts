import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitWindows } from '../../../src/network/outside.js';

const windowOf = (scale: number) =>
  Number(/ tcp window set (\d+)$/.exec(limitWindows(4, ['192.0.2.1'], scale))?.[1]);

test('the windows of connections to this machine are two packets large, however they are shifted', () => {
  for (const scale of [2, 5, 7, 8]) assert.equal(windowOf(scale) << scale, 2 * 65536);
});

test('where a window cannot be larger, or there is no address, there is no rule', () => {
  for (const scale of [0, 1]) assert.equal(limitWindows(4, ['192.0.2.1'], scale), '');
  assert.equal(limitWindows(6, [], 7), '');
});

test('an address is named once, and its family by its own word', () => {
  assert.match(
    limitWindows(4, ['192.0.2.1', '192.0.2.2', '192.0.2.1'], 7),
    /ip saddr \{ 192\.0\.2\.1, 192\.0\.2\.2 \}/,
  );
  assert.match(limitWindows(6, ['2001:db8::1'], 7), /ip6 saddr \{ 2001:db8::1 \}/);
});
