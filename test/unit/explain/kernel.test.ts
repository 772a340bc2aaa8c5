import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CAPABILITY_MEANINGS } from '../../../src/explain/capability-meanings.js';
import { viewOfSelf } from '../../../src/explain/container.js';
import { compareViews } from '../../../src/explain/diff.js';
import { exitWords } from '../../../src/explain/exit-code.js';
import { capabilityNames, parseIdMap } from '../../../src/explain/kernel-view.js';
import { parseMountInfo } from '../../../src/explain/mount-info.js';
import { ProcessFolder } from '../../../src/explain/process-folder.js';
import { CAPABILITY_NAMES } from '../../../src/sys/capabilities.js';
import { processStart } from '../../../src/sys/process.js';

test('masks of capabilities become names, also of numbers without one', () => {
  assert.deepEqual(capabilityNames('0'), []);
  assert.deepEqual(capabilityNames('21'), ['CAP_CHOWN', 'CAP_KILL']);
  assert.deepEqual(capabilityNames('8000000000000000'), ['CAP_63']);
  assert.deepEqual(capabilityNames('what'), []);
});

test('each capability has a meaning', () => {
  assert.deepEqual(Object.keys(CAPABILITY_MEANINGS), [...CAPABILITY_NAMES]);
});

test('mounts are read as the kernel writes them', () => {
  const line =
    '36 35 98:0 /a\\040b /mnt\\011x rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue';
  const [mount] = parseMountInfo(`${line}\nnonsense\n`);
  assert.deepEqual(mount, {
    root: '/a b',
    target: '/mnt\tx',
    options: ['rw', 'noatime'],
    propagation: ['shared:1', 'master:2'],
    type: 'ext3',
    source: '/dev/root',
    superOptions: ['rw', 'errors=continue'],
  });
});

test('id maps are read as the kernel writes them', () => {
  assert.deepEqual(parseIdMap('         0       1000          1\n         1     100000      65536\n'), [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100_000, size: 65_536 },
  ]);
  assert.deepEqual(parseIdMap(''), []);
});

test('exit codes in words', () => {
  assert.equal(exitWords(0), 'success');
  assert.match(exitWords(127), /not found/);
  assert.match(exitWords(143), /^128 \+ 15: killed by SIGTERM/);
  assert.match(exitWords(137, { wasOomKilled: true }), /memory limit/);
  assert.match(exitWords(255), /a code of the program/);
  for (let code = 0; code < 256; code++) assert.ok(exitWords(code).length > 0);
});

test('a process is read only if it is the one that is meant', () => {
  const start = processStart(process.pid);
  const folder = ProcessFolder.open(process.pid, start);
  assert.equal(folder?.stat(22), start);
  assert.equal(folder?.status('Pid'), String(process.pid));
  assert.equal(folder?.read('no-such-file'), '');
  folder?.close();
  assert.equal(ProcessFolder.open(process.pid, '1'), undefined);
});

test('the view of a process is what the kernel says, and does not differ from itself', () => {
  const view = viewOfSelf();
  assert.ok(view !== undefined);
  const status = readFileSync('/proc/self/status', 'utf8');
  assert.equal(view.noNewPrivs, /^NoNewPrivs:\t1$/m.test(status));
  assert.match(view.namespaces.pid ?? '', /^\d+$/);
  assert.ok(view.mounts.some(({ target }) => target === '/proc'));
  assert.ok(Object.keys(view.limits).includes('open files'));
  assert.deepEqual(compareViews(view, view), []);
  const [difference, ...others] = compareViews(view, { ...view, nice: '7' });
  assert.deepEqual([difference?.what, difference?.b, others], ['nice', '7', []]);
});
