import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseIdMaps, type IdMapMode, mapLines } from '../../../src/spec/choose-id-maps.js';
import { isIdMapped, mapText } from '../../../src/spec/id-maps.js';
import type { HostFiles } from '../../../src/spec/id-ranges.js';
import { FosterError } from '../../../src/sys/errors.js';
import { dataFolder } from '../../../src/sys/paths.js';

const RANGE = [{ start: 100_000, size: 65_536 }];
const map = (mode: Parameters<typeof mapLines>[0], own: number, ranges = RANGE) =>
  mapLines(mode, own, ranges).map(({ containerID, hostID, size }) => [containerID, hostID, size]);

test('default: the caller is root, his range all others', () => {
  assert.deepEqual(map('default', 1000), [
    [0, 1000, 1],
    [1, 100_000, 65_536],
  ]);
  assert.deepEqual(map('host', 1000), map('default', 1000));
});

test('keep-id: the caller keeps his own id, with the range around it', () => {
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
      const made = mapLines(mode, own, [
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
  const made = mapLines('keep-id', 70_000, RANGE);
  assert.ok(isIdMapped(0, made) && isIdMapped(65_535, made) && isIdMapped(70_000, made));
  assert.ok(!isIdMapped(65_536, made) && !isIdMapped(70_001, made));
});

test('adjacent ranges are merged into one line', () => {
  const three = [
    { start: 100_000, size: 500 },
    { start: 100_500, size: 500 },
    { start: 300_000, size: 1000 },
  ];
  assert.deepEqual(map('auto', 1000, three), [
    [0, 100_000, 1000],
    [1000, 300_000, 1000],
  ]);
  assert.deepEqual(map('default', 99_999, three), [
    [0, 99_999, 1001],
    [1001, 300_000, 1000],
  ]);
  assert.deepEqual(map('keep-id', 700, three), [
    [0, 100_000, 700],
    [700, 700, 1],
    [701, 100_700, 300],
    [1001, 300_000, 1000],
  ]);
  // the same numbers outside, in another order: not the same users inside
  assert.equal(map('auto', 0, three.toReversed()).length, 3);
});

/** An imaginary host: files by path; missing ones are empty. */
function host(files: Record<string, string> = {}): HostFiles {
  const all = '         0          0 4294967295\n';
  const there: Record<string, string> = { '/proc/self/uid_map': all, '/proc/self/gid_map': all, ...files };
  return {
    read: (path) => there[path] ?? '',
    keep(path, text) {
      there[path] = text;
      files[path] = text;
    },
  };
}

const ofRoot = (mode: IdMapMode, files: Record<string, string> = {}) => chooseIdMaps(mode, 0, 0, host(files));
const FIRST = 0x7000_0000;

test("root: a range of /etc/subuid, without the host's root", () => {
  const subids = {
    '/etc/subuid': 'ann:100000:65536\nroot:200000:1000\n',
    '/etc/subgid': 'root:300000:2000\n',
  };
  for (const mode of ['default', 'auto'] as const) {
    const { uid, gid, helpers, isCallerMapped, isSingle } = ofRoot(mode, subids);
    assert.deepEqual(uid, [{ containerID: 0, hostID: 200_000, size: 1000 }]);
    assert.deepEqual(gid, [{ containerID: 0, hostID: 300_000, size: 2000 }]);
    assert.deepEqual(
      { helpers, isCallerMapped, isSingle },
      { helpers: false, isCallerMapped: false, isSingle: false },
    );
  }
});

test('root without a range gets the first unused one', () => {
  const range = (files: Record<string, string>) => ofRoot('default', files).uid[0]?.hostID;
  assert.deepEqual(ofRoot('default').uid, [{ containerID: 0, hostID: FIRST, size: 65_536 }]);
  assert.deepEqual(ofRoot('default').gid, ofRoot('default').uid);
  const [second, third] = [FIRST + 65_536, FIRST + 2 * 65_536];
  // one of the two files says nothing of what may be mapped
  assert.equal(range({ '/etc/subuid': 'root:200000:1000\n' }), FIRST);
  assert.equal(range({ '/etc/subgid': `ann:${FIRST + 65_535}:1\n` }), second);
  assert.equal(range({ '/etc/subuid': `ann:${FIRST - 10}:100000\n` }), third);
  assert.equal(range({ '/etc/passwd': `root:x:0:0::/:\nann:x:${FIRST + 7}:7::/:\n` }), second);
  assert.equal(range({ '/etc/passwd': `ann:x:7:${FIRST + 7}::/:\n` }), second);
  assert.equal(range({ '/etc/group': `ann:x:${second}:\n` }), FIRST);
  assert.equal(range({ '/etc/group': `ann:x:${FIRST}:\nbob:x:${second}:ann\n` }), third);
  assert.equal(range({ '/etc/subuid': 'no line\nann::\nann:-1:x\n', '/etc/passwd': '\n:::\n' }), FIRST);
});

test('the range is remembered until others use it', () => {
  const path = `${dataFolder()}/id-range`;
  const ann = { '/etc/subuid': `ann:${FIRST}:65536\n` };
  const files: Record<string, string> = { ...ann };
  const range = () => ofRoot('default', files).uid[0]?.hostID;
  assert.equal(range(), FIRST + 65_536);
  assert.equal(files[path], `${FIRST + 65_536}\n`);
  files['/etc/subuid'] = ''; // what is unpacked belongs to the second range still
  assert.equal(range(), FIRST + 65_536);
  files['/etc/subuid'] = `bob:${FIRST + 65_536}:65536\n`;
  assert.equal(range(), FIRST);
  for (const damage of ['', 'x\n', '-7\n', '0\n', '4294967000\n', '1e400\n']) {
    assert.equal(ofRoot('default', { [path]: damage }).uid[0]?.hostID, FIRST, damage);
  }
});

test('root: keep-id and host map all ids unchanged', () => {
  const all = [{ containerID: 0, hostID: 0, size: 4294967295 }];
  for (const mode of ['keep-id', 'host'] as const) {
    const { uid, gid, isCallerMapped } = ofRoot(mode, { '/etc/subuid': 'root:200000:1000\n' });
    assert.deepEqual([uid, gid, isCallerMapped], [all, all, true]);
  }
});

test("root of a user namespace: a range of its ids, or all of them, since it is not the host's root", () => {
  const inside = (text: string, more: Record<string, string> = {}) =>
    ofRoot('default', { '/proc/self/uid_map': text, '/proc/self/gid_map': text, ...more });
  assert.deepEqual(inside('0 1000 1\n1 100000 65536\n'), {
    uid: [{ containerID: 0, hostID: 1, size: 65_536 }],
    gid: [{ containerID: 0, hostID: 1, size: 65_536 }],
    helpers: false,
    isSingle: false,
    isCallerMapped: false,
  });
  const small = inside('0 1000 1\n1 100000 65536\n', {
    '/etc/passwd': 'root:x:0:0::/:\nann:x:1000:1000::/:\n',
  });
  assert.deepEqual(small.uid, [
    { containerID: 0, hostID: 0, size: 1 },
    { containerID: 1, hostID: 1, size: 65_536 },
  ]);
  assert.equal(small.isCallerMapped, true);
  assert.equal(inside('0 1000 1000000000\n', { '/etc/passwd': 'root:x:0:0::/:\n' }).uid[0]?.size, 65_536);
});

test('a map that exceeds the limits of the kernel is refused', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => `root:${100_000 + 20 * index}:10\n`).join('');
  const maps = (count: number) =>
    ofRoot('default', { '/etc/subuid': many(count), '/etc/subgid': 'root:7:7\n' });
  assert.equal(maps(200).uid.length, 200);
  assert.ok(mapText(maps(200).uid).length < 4096);
  for (const count of [300, 341]) {
    assert.throws(
      () => maps(count),
      (error) =>
        error instanceof FosterError &&
        /^cannot map the user ids .* \/etc\/subuid need \d+ lines in an id map, and the kernel accepts 340 lines or 4095 bytes$/.test(
          error.message,
        ) &&
        error.advice === 'use fewer and larger ranges in /etc/subuid',
      String(count),
    );
  }
});
