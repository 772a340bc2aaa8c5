import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareCalls, OWN_OF_INIT, parseStrace } from '../../../src/explain/strace.js';
import type { PlannedStep } from '../../../src/plan/render.js';

const step = (call: string): PlannedStep => ({ phase: 'init', call, why: 'because' });

test('lines of strace become calls in the order in which they began', () => {
  const calls = parseStrace(
    [
      '7 setsid()                          = 1',
      '8 dup3(5, 4, O_CLOEXEC <unfinished ...>',
      '7 close(1)                          = 0',
      '8 <... dup3 resumed>)               = 4',
      '8 +++ exited with 0 +++',
      'chdir("/")                        = 0',
      '7 execve("/bin/x", ["x"], 0x7 /* 4 vars */ <detached ...>',
      '',
    ].join('\n'),
  );
  assert.deepEqual(
    calls.map(({ pid, line }) => `${pid} ${line}`),
    [
      '7 setsid() = 1',
      '8 dup3(5, 4, O_CLOEXEC) = 4',
      '7 close(1) = 0',
      ' chdir("/") = 0',
      '7 execve("/bin/x", ["x"], 0x7 /* 4 vars */ <detached ...>',
    ],
  );
});

test('steps are found in order, by name and strings; what is left has a reason or none', () => {
  const id = (digit: string) => digit.repeat(64);
  const seen = parseStrace(
    [
      `7 openat(AT_FDCWD, "/c/${id('a')}", O_PATH) = 4`,
      '7 mkdirat(3, "evil", 0755) = 0',
      '7 close_range(4, 599, 0) = 0',
      '8 execve("/sbin/x", ["x"], 0x7 /* 4 vars */) = -1 ENOENT (No such file or directory)',
      '8 execve("/bin/x", ["x"], 0x7 /* 4 vars */) = 0',
      '8 unlink("/of-the-program") = 0',
      '9 unlink("/of-its-child") = 0',
      '7 wait4(-1, NULL, WNOHANG, NULL) = 8',
    ].join('\n'),
  );
  const plan = [
    step(`openat(AT_FDCWD, "/c/${id('b')}", O_PATH|O_CLOEXEC, 0)`),
    step('mount(NULL, "/", NULL, MS_PRIVATE, NULL)'),
    step('execve("/sbin/x" /* or the next of 2 in PATH */, ["x"], [4 variables])'),
  ];
  const { seen: found, missing, others } = compareCalls(plan, seen, OWN_OF_INIT);
  assert.deepEqual(
    found.map((lines) => lines.length),
    [1, 0, 2],
  );
  assert.deepEqual(missing, [1]);
  assert.deepEqual(
    others.map(({ line, because }) => [line.replace(/\(.*/, ''), because !== undefined]),
    [
      ['mkdirat', false],
      ['close_range', true],
      ['wait4', true],
    ],
  );
});

test('what the launcher does is found as it does it', () => {
  const host = (call: string): PlannedStep => ({ phase: 'foster', call, why: 'because' });
  const seen = parseStrace(
    [
      'clone(child_stack=0x1, flags=CLONE_VM|CLONE_PIDFD|CLONE_VFORK|CLONE_NEWUSER|SIGCHLD, parent_tid=[2]) = 70',
      'clone(child_stack=0x1, flags=CLONE_VM|CLONE_PIDFD|CLONE_VFORK|CLONE_NEWNS|CLONE_NEWUSER|SIGCHLD) = 71',
      'mkdirat(AT_FDCWD, "/sys/fs/cgroup/x", 0755) = 0',
      'write(22, "71", 2) = 2',
      'write(22, "0 1000 1\\n", 9) = 9',
      'clone(child_stack=0x1, flags=CLONE_VM|CLONE_VFORK|SIGCHLD) = 72',
      'sendto(19, "R", 1, MSG_NOSIGNAL, NULL, 0) = 1',
    ].join('\n'),
  );
  const plan = [
    host(
      'clone(child_stack=..., flags=CLONE_VM|CLONE_VFORK|CLONE_PIDFD|CLONE_NEWUSER|CLONE_NEWNS|SIGCHLD) = PID',
    ),
    host('mkdir("/sys/fs/cgroup/x", 0755)'),
    host('write("/sys/fs/cgroup/x/cgroup.procs", "PID")'),
    host('write(/proc/PID/uid_map, "0 1000 1\\n")'),
    host('execve("/usr/bin/newgidmap", ["newgidmap", "PID", "0"])'),
    host('write(control, "R", 1)'),
  ];
  const { seen: found, missing } = compareCalls(plan, seen, []);
  assert.deepEqual(missing, []);
  assert.match(found[0]?.[0] ?? '', /= 71$/);
});
