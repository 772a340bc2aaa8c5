import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainer, planText } from '../../../src/container/explain.js';
import { HOST_STEP } from '../../../src/init/wire.js';
import { hostStepFailure, launchFailure, stepFailure } from '../../../src/launch/failure.js';
import {
  describePlan,
  renderExec,
  renderHostSteps,
  renderNamespaces,
  renderStep,
} from '../../../src/plan/render.js';
import { storageStep } from '../../../src/plan/storage-program.js';
import { memoryFile } from '../../../src/sys/libc.js';
import { wire } from '../../../src/sys/wire-constants.js';
import { planFor } from './fixtures.js';

test('a step is printed like strace', () => {
  const render = (call: string, ...args: Parameters<typeof renderStep>[0]['args']) =>
    renderStep({ call, args, why: 'test' });
  assert.equal(render('chdir', '/a "b"\n'), 'chdir("/a \\"b\\"\\n")');
  assert.equal(
    render('mount', null, '/', null, { value: 5, text: 'MS_REC|MS_PRIVATE' }, null),
    'mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL)',
  );
  assert.equal(render('close', { result: 'socket' }), 'close(socket)');
  assert.equal(render('ioctl', 0, { addressOf: 'self' }), 'ioctl(0, &self)');
  assert.equal(render('capset', { bytes: Buffer.alloc(8), text: '{version=3}' }), 'capset({version=3})');
  assert.equal(render('write', 1, 'x'.repeat(300)), `write(1, "${'x'.repeat(120)}...")`);
  assert.equal(render('await'), 'read(control)');
});

test('clone and the id maps', () => {
  const plan = planFor([]);
  assert.match(renderNamespaces(plan), /^CLONE_VM\|CLONE_VFORK\|CLONE_PIDFD\|.*CLONE_NEWUSER.*\|SIGCHLD$/);
  const namespaces = renderNamespaces(plan).split('|');
  for (const name of ['NEWNS', 'NEWNET', 'NEWUTS', 'NEWIPC', 'NEWPID', 'NEWCGROUP'])
    assert.ok(namespaces.includes(`CLONE_${name}`), name);
  const [clone, uid, gid] = renderHostSteps(plan, '7').map(({ call }) => call);
  assert.match(clone ?? '', /^clone\(child_stack=.*\) = 7$/);
  assert.equal(
    uid,
    'execve("/usr/bin/newuidmap", ["newuidmap", "7", "0", "1000", "1", "1", "100000", "65536"])',
  );
  assert.match(gid ?? '', /newgidmap/);
  const byRoot = renderHostSteps(planFor([], { facts: { mapHelpers: undefined } }), '7').map(
    ({ call }) => call,
  );
  assert.deepEqual(byRoot.slice(1, 4), [
    'write(/proc/7/uid_map, "0 1000 1\\n1 100000 65536\\n")',
    'write(/proc/7/gid_map, "0 1000 1\\n1 100000 65536\\n")',
    'write(control, "R", 1)',
  ]);
  const byUser = renderHostSteps(planFor([], { facts: { mapHelpers: undefined, canSetGroups: false } }), '7');
  assert.equal(byUser[1]?.call, 'write(/proc/7/setgroups, "deny")');
});

test('the program', () => {
  assert.equal(
    renderExec(planFor(['--entrypoint', '/bin/x'])),
    'execve("/bin/x", ["/bin/x", "true"], [4 variables])',
  );
  assert.match(
    renderExec(planFor([])),
    /^execve\("\/usr\/local\/sbin\/true" \/\* or the next of 6 in PATH \*\//,
  );
});

test('the plan as JSON: versioned, each step with its phase, call and reason', () => {
  const plan = planFor(['-w', '/work']);
  const parsed = JSON.parse(planText(plan));
  assert.deepEqual(parsed, JSON.parse(JSON.stringify(describePlan(plan))));
  assert.equal(parsed.version, 1);
  assert.equal(parsed.init, 'foster-init');
  assert.equal(parsed.stopTimeout, 10);
  const phases: string[] = parsed.steps.map(({ phase }: { phase: string }) => phase);
  assert.deepEqual([...new Set(phases)], ['foster', 'init', 'process']);
  assert.equal(phases.length, 1 + plan.host.length + plan.init.length + plan.process.length + 1);
  for (const { call, why } of parsed.steps)
    assert.ok(call.endsWith(')') || / = PID$/.test(call), `${call} ${why}`);
  assert.equal(JSON.parse(planText(planFor(['--no-init']))).init, 'none');
});

test('--explain prints the reason once, then each call with its result', () => {
  const plan = planFor([]);
  const lines: string[] = [];
  const witness = explainer(plan, (line) => lines.push(line));
  witness.started(99);
  for (const index of plan.init.keys()) witness.step(index, index === 0 ? 5 : 0);
  for (const index of plan.process.keys()) witness.step(plan.init.length + index, 0);
  witness.ready();
  assert.match(lines[1] ?? '', /^ {2}1 {2}start PID 1/);
  assert.match(lines[2] ?? '', /^ {7}clone\(.* = 99$/);
  assert.ok(lines.includes('PID 1, in its new namespaces:'));
  assert.ok(lines.includes("the user's process, a child of PID 1:"));
  const first = lines.findIndex((line) => line.endsWith('open the root filesystem'));
  assert.match(lines[first + 1] ?? '', /^ {7}openat\(AT_FDCWD, "\/roots\/busybox", .*\) = 5$/);
  assert.match(lines[first + 2] ?? '', /^ {7}dup3/);
  assert.match(lines.at(-1) ?? '', /^ {7}execve\(/);
  const numbers = lines.flatMap((line) => /^ *(\d+) {2}\S/.exec(line)?.[1] ?? []).map(Number);
  assert.deepEqual(
    numbers,
    Array.from(numbers, (_, index) => index + 1),
  );
});

test('a failed step is reported with its reason, the errno in words, the call and advice', () => {
  const step = {
    call: 'chdir',
    args: ['/work'],
    why: 'go to the working directory',
    advice: { EACCES: 'ask for it' },
  };
  assert.equal(
    stepFailure(step, 13).sentence,
    'cannot go to the working directory: permission denied (EACCES) from chdir("/work"); ask for it',
  );
  assert.equal(stepFailure(step, 2).advice, undefined);
  assert.equal(stepFailure({ ...step, advice: { '*': 'look' } }, 2).advice, 'look');
  assert.equal(stepFailure(step, 13).exitCode, 125);
});

test('a failed host step is reported with its reason, and the last output of its program', () => {
  const [map] = planFor([]).host;
  assert.ok(map !== undefined);
  const said = (text: string) => memoryFile('said', Buffer.from(text));
  const sentence = (errno: number, detail: number, output?: number) =>
    hostStepFailure(map, { errno, detail }, output).sentence;
  const advice = '; check your range in /etc/subuid and that newuidmap is setuid root';
  assert.equal(
    sentence(0, 1 << 8, said('newuidmap: uid range [0-1) is not allowed\nnewgidmap: neither\n\0\0')),
    `cannot map the user ids of the container: newuidmap failed: newuidmap: uid range [0-1) is not allowed${advice}`,
  );
  assert.match(sentence(0, 3 << 8, said('')), /newuidmap failed: exit code 3;/);
  assert.match(sentence(0, 9), /newuidmap failed: killed by signal 9;/);
  assert.match(
    sentence(13, -1),
    /^cannot map the user ids of the container: permission denied \(EACCES\) from execve\("\/usr\/bin\/newuidmap"/,
  );
});

test('the failed part of a program is reported, and its end when PID 1 notices it', () => {
  const storage = storageStep({ program: '/f', container: '/c', layers: ['/l'] }, {});
  const plan = { ...planFor([]), host: [storage] };
  const failed = (index: number, errno: number, detail: number, output?: number) =>
    launchFailure(plan, { index, errno, detail }, output).sentence;
  assert.match(
    failed(HOST_STEP, 2, wire.STORAGE_DEVICE),
    /^cannot open \/dev\/fuse: .*ENOENT.*; check that it exists/,
  );
  assert.match(failed(HOST_STEP, 24, -1), /^cannot start fuse-overlayfs: .*EMFILE/);
  const said = memoryFile('said', Buffer.from('unknown argument ignored: x\nno \x1b[31m room\n'));
  assert.match(
    failed(0, 107, 0, said),
    /^cannot mount the root filesystem of the container: fuse-overlayfs has ended: no \\u001b\[31m room; /,
  );
  assert.match(failed(0, 2, 0, said), /^cannot .*\(ENOENT\) from /);
});
