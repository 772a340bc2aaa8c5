import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountOfVolume, volumeKind } from '../../../../src/spec/parse/volume-driver.js';

test('what a volume is, by its options', () => {
  assert.deepEqual(volumeKind({}), { kind: 'folder' });
  assert.deepEqual(volumeKind({ type: 'none', o: 'bind,ro', device: '/srv' }), {
    kind: 'bind',
    device: '/srv',
    options: ['bind', 'rprivate', 'ro'],
  });
  assert.deepEqual(volumeKind({ type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=5' }), {
    kind: 'tmpfs',
    options: ['nosuid', 'nodev', 'noexec', 'size=1m', 'uid=5'],
  });
});

test('options that are refused', () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ foo: 'bar' }, /option foo is not known/],
    [{ type: 'nfs', device: ':/x', o: 'addr=1.2.3.4' }, /type=nfs is not supported yet/],
    [{ type: 'none', o: 'bind' }, /device= is missing/],
    [{ type: 'none', o: 'bind', device: 'srv' }, /device= is missing or no absolute path/],
    [{ type: 'none', o: 'bind,nonsense', device: '/srv' }, /unknown option 'nonsense'/],
    [{ type: 'tmpfs', o: 'size=big' }, /'big' is not a valid size/],
    [{ device: '/dev/sda1' }, /is not supported yet/],
  ];
  for (const [options, expected] of cases)
    assert.throws(
      () => volumeKind(options),
      { name: 'FosterError', message: expected },
      JSON.stringify(options),
    );
});

test('the mount of each', () => {
  const own = ['rbind', 'rprivate', 'ro'];
  assert.deepEqual(mountOfVolume({ kind: 'folder' }, '/v/_data', '/d', own), {
    destination: '/d',
    type: 'bind',
    source: '/v/_data',
    options: own,
  });
  const bound = mountOfVolume(
    { kind: 'bind', device: '/srv', options: ['rbind', 'rprivate'] },
    '',
    '/d',
    own,
  );
  assert.deepEqual([bound.type, bound.source, bound.options], ['bind', '/srv', ['rbind', 'rprivate', 'ro']]);
  const memory = mountOfVolume({ kind: 'tmpfs', options: ['nosuid', 'size=1m'] }, '', '/d', own);
  assert.deepEqual([memory.type, memory.options], ['tmpfs', ['nosuid', 'size=1m', 'ro']]);
});
