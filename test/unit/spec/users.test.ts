import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveUser } from '../../../src/spec/users.js';

const passwd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1::/usr/sbin:/bin/false
# a comment: of no use
broken:x:abc:1::/:
huge:x:99999999999:1::/:
ann:x:1000:1000:Ann:/home/ann:/bin/sh
homeless:x:1001:1001::relative:/bin/sh
`;
const group = `root:x:0:
tty:x:5:ann
wheel:x:10:root,ann
wheel:x:10:ann
ann:x:1000:ann
`;

test('who the user is', () => {
  const root = { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root', name: 'root' };
  const ann = { uid: 1000, gid: 1000, additionalGids: [1000, 5, 10], home: '/home/ann', name: 'ann' };
  const cases: [string | undefined, object][] = [
    [undefined, root],
    ['', root],
    ['root', root],
    ['0', root],
    ['ann', ann],
    ['1000', ann],
    ['ann:wheel', { ...ann, gid: 10, additionalGids: [10] }],
    ['ann:5', { ...ann, gid: 5, additionalGids: [5] }],
    ['ann:4242', { ...ann, gid: 4242, additionalGids: [4242] }],
    ['4242', { uid: 4242, gid: 0, additionalGids: [0], home: '/', name: undefined }],
    ['4242:wheel', { uid: 4242, gid: 10, additionalGids: [10], home: '/', name: undefined }],
    [':tty', { ...root, gid: 5, additionalGids: [5] }],
    ['homeless', { uid: 1001, gid: 1001, additionalGids: [1001], home: '/', name: 'homeless' }],
  ];
  for (const [wanted, expected] of cases)
    assert.deepEqual(resolveUser(wanted, passwd, group), expected, wanted);
});

test('a root filesystem without the files', () => {
  assert.deepEqual(resolveUser(undefined, '', ''), {
    uid: 0,
    gid: 0,
    additionalGids: [0],
    home: '/',
    name: undefined,
  });
  assert.equal(resolveUser('7:8', '', '').gid, 8);
});

test('whom nobody knows', () => {
  const cases: [string, RegExp][] = [
    ['bob', /^no user bob in the container's \/etc\/passwd/],
    ['broken', /^no user broken/],
    ['huge', /^no user huge/],
    ['ann:staff', /^no group staff in the container's \/etc\/group/],
    ['ann:', /expected NAME or UID/],
    ['ann:a:b', /expected NAME or UID/],
    ['-1', /^no user -1/],
    ['4294967295', /is not a valid user id: the largest is 4294967294/],
    ['1:99999999999', /is not a valid group id/],
  ];
  for (const [wanted, message] of cases) {
    assert.throws(() => resolveUser(wanted, passwd, group), { name: 'FosterError', message }, wanted);
  }
});
