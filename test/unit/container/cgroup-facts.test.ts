import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMounts } from '../../../src/container/cgroup-facts.js';

test('mounts of cgroups, of a hybrid host', () => {
  const text = [
    '24 1 0:22 / /sys rw,nosuid shared:2 - sysfs sysfs rw',
    '30 24 0:26 / /sys/fs/cgroup rw shared:8 - tmpfs tmpfs rw,mode=755',
    '31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct',
    '32 30 0:28 /docker/x /sys/fs/cgroup/memory rw master:1 - cgroup cgroup rw,memory',
    '33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
    '34 30 0:30 / /sys/fs/cgroup/a\\040b rw - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot',
    '',
  ].join('\n');
  assert.deepEqual(parseMounts(text), [
    { type: 'cgroup', folder: '/sys/fs/cgroup/cpu,cpuacct', root: '/', controllers: ['cpu', 'cpuacct'] },
    { type: 'cgroup', folder: '/sys/fs/cgroup/memory', root: '/docker/x', controllers: ['memory'] },
    { type: 'cgroup2', folder: '/sys/fs/cgroup/a b', root: '/', controllers: [] },
  ]);
});
