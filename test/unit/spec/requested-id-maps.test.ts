import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostFiles } from '../../../src/spec/id-ranges.js';
import { requestedIdMaps } from '../../../src/spec/requested-id-maps.js';
import type { IdMapping } from '../../../src/spec/types.js';

const line = (containerID: number, hostID: number, size: number): IdMapping => ({
  containerID,
  hostID,
  size,
});

/** User 1000 has two ranges of users, and one of groups. */
const HOST: HostFiles = {
  read: (path) =>
    ({ '/etc/subuid': '1000:100000:10\n1000:200000:10\n', '/etc/subgid': '1000:300000:5\n' })[path] ?? '',
  keep() {},
};
const NONE: HostFiles = { read: () => '', keep() {} };

const maps = (uid: IdMapping[], gid: IdMapping[] = [line(0, 0, 1)], own = 1000) =>
  requestedIdMaps({ userns: 'default', ids: { uid, gid } }, own, own, HOST);

test('--uidmap counts from the caller, and on through the ranges', () => {
  const cases: [IdMapping[], IdMapping[]][] = [
    [[line(0, 0, 1)], [line(0, 1000, 1)]],
    [[line(0, 1, 5)], [line(0, 100_000, 5)]],
    [[line(0, 0, 21)], [line(0, 1000, 1), line(1, 100_000, 10), line(11, 200_000, 10)]],
    [
      [line(0, 9, 4), line(50, 0, 1)],
      [line(0, 100_008, 2), line(2, 200_000, 2), line(50, 1000, 1)],
    ],
  ];
  for (const [wanted, expected] of cases) assert.deepEqual(maps(wanted).uid, expected);
  assert.equal(maps([line(0, 0, 1)]).isCallerMapped, true);
  assert.equal(maps([line(0, 1, 5)]).isCallerMapped, false);
  assert.equal(maps([line(0, 0, 1)]).helpers, true);
});

test("root's ids are those of the machine", () => {
  const { uid, helpers } = maps([line(0, 70_000, 5)], [line(0, 70_000, 5)], 0);
  assert.deepEqual([uid, helpers], [[line(0, 70_000, 5)], false]);
});

test('maps that cannot be', () => {
  assert.throws(() => maps([line(1, 1, 1)]), { message: /--uidmap: the container needs an id 0/ });
  assert.throws(() => maps([line(0, 0, 1)], [line(0, 0, 7)]), { message: /--gidmap 0:0:7: you have 6 ids/ });
  assert.throws(() => maps([line(0, 0, 5), line(4, 9, 1)]), { message: /the same ids of the container/ });
  assert.throws(() => maps([line(0, 0, 5), line(9, 4, 1)]), { message: /the same ids of the host/ });
});

test('keep-id:uid=UID,gid=GID puts the caller there', () => {
  const kept = (files: HostFiles, own = 1000) =>
    requestedIdMaps({ userns: 'keep-id', ids: { keep: { uid: 3, gid: 2 } } }, own, own, files);
  assert.deepEqual(kept(HOST).uid, [
    line(0, 100_000, 3),
    line(3, 1000, 1),
    line(4, 100_003, 7),
    line(11, 200_000, 10),
  ]);
  assert.deepEqual(kept(HOST).gid, [line(0, 300_000, 2), line(2, 1000, 1), line(3, 300_002, 3)]);
  assert.deepEqual([kept(NONE).uid, kept(NONE).isSingle], [[line(3, 1000, 1)], true]);
  assert.throws(() => kept(HOST, 0), { message: /is for users other than root/ });
});
