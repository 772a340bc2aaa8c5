import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBuildNetwork } from '../../../../src/spec/parse/network.js';

test('the usual network is what default means, too', () => {
  for (const value of [undefined, 'default']) {
    assert.deepEqual(parseBuildNetwork(value, 'none'), { mode: 'none', networks: [], isUsual: true });
    assert.deepEqual(parseBuildNetwork(value, 'bridge'), {
      mode: 'bridge',
      networks: [{ name: 'bridge', aliases: [] }],
      isUsual: true,
    });
  }
});

test('others are asked for', () => {
  assert.deepEqual(parseBuildNetwork('none', 'bridge'), { mode: 'none', networks: [], isUsual: false });
  assert.deepEqual(parseBuildNetwork('host', 'none'), { mode: 'host', networks: [], isUsual: false });
  assert.deepEqual(parseBuildNetwork('shop', 'none'), {
    mode: 'bridge',
    networks: [{ name: 'shop', aliases: [] }],
    isUsual: false,
  });
  for (const value of ['', 'container:x', 'ns:/proc/1/ns/net', 'pasta', '-x', 'private'])
    assert.throws(() => parseBuildNetwork(value, 'none'), { name: 'FosterError' }, value);
});
