import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePlan } from '../../../src/init/wire.js';
import { buildPlan } from '../../../src/plan/build.js';
import { buildExecPlan } from '../../../src/plan/exec.js';
import { namespaceFlags } from '../../../src/plan/namespaces.js';
import { renderHostSteps } from '../../../src/plan/render.js';
import { PID, type Plan } from '../../../src/plan/step.js';
import { calls, planFor, planParts, positions, steps } from './fixtures.js';

function assertInOrder(plan: Plan, patterns: RegExp[]): void {
  const found = positions(plan, patterns);
  assert.deepEqual(
    found,
    found.toSorted((a, b) => a - b),
    patterns.map((pattern, index) => `${found[index]}: ${pattern}`).join('\n'),
  );
}

const has = (plan: Plan, pattern: RegExp) => calls(plan).some((call) => pattern.test(call));

test('a container gets every namespace and the maps of its caller', () => {
  const plan = planFor([]);
  assert.deepEqual(plan.namespaces.toSorted(), ['cgroup', 'ipc', 'mount', 'network', 'pid', 'user', 'uts']);
  assert.deepEqual(
    plan.host.map(({ kind }) => kind),
    ['run', 'run', 'resume'],
  );
  const [users, groups] = plan.host;
  assert.ok(users?.kind === 'run' && groups?.kind === 'run');
  assert.equal(users.path, '/usr/bin/newuidmap');
  assert.deepEqual(users.args, ['newuidmap', PID, '0', '1000', '1', '1', '100000', '65536']);
  assert.equal(groups.args[0], 'newgidmap');
  assert.match(users.advice?.['*'] ?? '', /\/etc\/subuid/);
});

test('the stages are in the right order', () => {
  assertInOrder(planFor(['-w', '/work']), [
    /^openat\(AT_FDCWD, "\/roots\/busybox"/, // as the caller, who may enter what the container's root may not
    /^read\(control\)$/, // the maps
    /^setgroups\(0/,
    /^setresgid\(0, 0, 0\)/,
    /^setresuid\(0, 0, 0\)/,
    /PR_SET_PDEATHSIG, SIGKILL/, // after the change of user, which would clear it
    /^setsid/,
    /^keyctl\(KEYCTL_JOIN_SESSION_KEYRING/,
    /^mount\(NULL, "\/", NULL, MS_REC\|MS_PRIVATE/,
    /^open_tree\(AT_FDCWD, "\/dev\/null"/, // while the host is in sight
    /^fsopen\("proc"/,
    /^fsopen\("overlay"/,
    /^pivot_root\("\.", "\."\)/,
    /^umount2\("\.", MNT_DETACH\)/,
    /^fsopen\("tmpfs"/,
    /^move_mount\(mask__proc_kcore/,
    /^sethostname\("abababababab", 12\)/,
    /SIOCSIFFLAGS/,
    /"work"|"\/work"/,
    /PR_SET_DUMPABLE, 0/,
    /^setpgid\(0, 0\)/,
    /PR_SET_NO_NEW_PRIVS, 1/,
    /PR_CAPBSET_DROP/,
    /^capset/,
    /^chdir\("\/work"\)/,
    /^seccomp\(SECCOMP_SET_MODE_FILTER/,
  ]);
});

test('after the pivot no step names a path of the host', () => {
  const plan = planFor(['-v', '/home/ann/secret:/data'], {
    facts: { directories: new Set(['/home/ann/secret']) },
  });
  const all = calls(plan);
  const pivot = all.findIndex((call) => call.startsWith('umount2(".", MNT_DETACH'));
  assert.ok(pivot > 0);
  const later = all.slice(pivot).filter((call) => /home\/ann|roots\/|containers\//.test(call));
  assert.deepEqual(later, []);
});

test('every path of the root filesystem is opened inside it', () => {
  const plan = planFor(['-v', '/a:/x/y', '--tmpfs', '/run', '-w', '/deep/er', '-t'], {
    facts: {
      directories: new Set(['/a']),
      files: [{ path: '/etc/hosts', text: 'x', replacesLink: true }],
      accounts: [{ path: '/etc/passwd', text: 'x' }],
    },
  });
  const opens = steps(plan).filter(({ call }) => call === 'openat2');
  assert.ok(opens.length > 20);
  for (const open of opens) {
    const how = open.args[2];
    assert.ok(how !== null && typeof how === 'object' && 'bytes' in how);
    const resolve = Buffer.from(how.bytes).readBigUInt64LE(16);
    const inRoot = 0x12n; // RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS
    const below = 0x0en; // RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS
    assert.ok(resolve === inRoot || resolve === below, open.why);
  }
});

test('opening a FIFO as a mount point does not block', () => {
  const plan = planFor([], { facts: { files: [{ path: '/etc/hosts', text: 'x', replacesLink: false }] } });
  assert.ok(has(plan, /^openat2\(AT_FDCWD, "\/etc\/hosts", \{flags=O_RDONLY\|.*O_NONBLOCK/));
});

test('no_new_privs comes before the filter; without it the filter comes before privileges are dropped', () => {
  assertInOrder(planFor([]), [/PR_SET_NO_NEW_PRIVS/, /^capset/, /^seccomp/]);
  const plan = planFor(['--security-opt', 'no-new-privileges=false']);
  assertInOrder(plan, [/^seccomp/, /^capset/]);
  assert.ok(!has(plan, /NO_NEW_PRIVS/));
  assert.ok(!has(planFor(['--security-opt', 'seccomp=unconfined']), /^seccomp/));
});

test('another user: bounding set, groups, then group and user', () => {
  const user = { uid: 1000, gid: 50, additionalGids: [27, 44], home: '/home/u', name: 'u' };
  const plan = planFor(['-w', '/work'], { spec: { user } });
  assertInOrder(plan, [
    /PR_CAPBSET_DROP/,
    /^setgroups\(2, \[27, 44\]\)/,
    /^setresgid\(50, 50, 50\)/,
    /^setresuid\(1000, 1000, 1000\)/,
    /^capset\(.*effective=0, permitted=0, inheritable=0/,
    /^chdir\("\/work"/,
  ]);
  const alone = planFor([], { spec: { user }, facts: { canSetGroups: false } });
  assert.ok(!has(alone, /^setgroups/), 'setgroups(2) is denied where the caller has one id only');
});

test('capabilities: the others are dropped from the bounding set', () => {
  const dropped = (plan: Plan) => calls(plan).filter((call) => call.includes('PR_CAPBSET_DROP')).length;
  assert.equal(dropped(planFor([])), 41 - 14);
  assert.equal(dropped(planFor(['--cap-drop', 'ALL'])), 41);
  assert.equal(dropped(planFor(['--cap-drop', 'ALL', '--cap-add', 'NET_RAW'])), 40);
  assert.equal(dropped(planFor(['--privileged'])), 0);
  assert.ok(!has(planFor(['--cap-drop', 'ALL', '--cap-add', 'NET_RAW']), /PR_CAPBSET_DROP, 13,/));
});

test('masked paths are hidden, read-only ones mounted over themselves; missing ones are skipped', () => {
  const plan = planFor([]);
  assertInOrder(plan, [
    /^open_tree\(AT_FDCWD, "\/dev\/null", .*CLONE/, // of the host
    /^pivot_root/,
    /^move_mount\(mount_0, "", mount_0_target/,
    /^openat2\(mount_0, "acpi"/,
    /^move_mount\(mask__proc_acpi, "", mask__proc_acpi_target/,
    /^move_mount\(mask__proc_kcore, "", mask__proc_kcore_target/,
    /^openat2\(mount_0, "sys"/,
    /^open_tree\(readonly__proc_sys, "", .*CLONE/,
    /^mount_setattr\(readonly__proc_sys_copy.*MOUNT_ATTR_RDONLY/,
    /^move_mount\(readonly__proc_sys_copy, "", readonly__proc_sys,/,
  ]);
  assert.ok(!has(plan, /keys/));
  assert.ok(!has(planFor(['--privileged']), /"(kcore|acpi|sys)"/));
});

test('after the pivot nothing is mounted, copied or written by a path in the container', () => {
  const plan = planFor(
    ['-it', '-v', '/a:/b', '-v', '/c', '--sysctl', 'net.ipv4.ip_forward=1', '--tmpfs', '/t'],
    {
      facts: { files: [{ path: '/etc/hosts', text: 'x', replacesLink: true }] },
    },
  );
  const all = steps(plan);
  const later = all.slice(all.findIndex(({ call }) => call === 'pivot_root'));
  const byPath = later.filter(
    ({ call, args }) =>
      ['mount', 'open_tree', 'openat', 'move_mount', 'mount_setattr'].includes(call) &&
      typeof args[call === 'mount' ? 0 : 1] === 'string' &&
      !['', 'hosts'].includes(String(args[call === 'mount' ? 0 : 1])), // of foster's own tmpfs, by its descriptor
  );
  assert.deepEqual(byPath, []);
});

test('parameters are set through the descriptor of the new /proc, after checking it, before it is read-only', () => {
  assertInOrder(planFor(['--sysctl', 'net.ipv4.ip_forward=1']), [
    /^move_mount\(mount_0, /,
    /^openat2\(mount_0, "sys\/net\/ipv4\/ip_forward", \{flags=O_WRONLY.*NO_SYMLINKS/,
    /^fstatfs\(sysctl\).*PROC_SUPER_MAGIC/,
    /^write\(sysctl, "1", 1\)/,
    /^openat2\(mount_0, "sys",/,
  ]);
});

test("a destination named by an image or a Dockerfile must not be in the kernel's file systems", () => {
  const facts = { guarded: new Set(['/data']), directories: new Set(['/a']) };
  assertInOrder(planFor(['-v', '/a:/data'], { facts }), [
    /^openat2\(AT_FDCWD, "\/data"/,
    /^fstat\(volume_0_target\).*mount_0/, // /proc
    /^fstat\(volume_0_target\).*mount_1/, // /dev
    /^move_mount\(volume_0/,
  ]);
  assert.ok(!has(planFor(['-v', '/a:/data'], { facts: { directories: new Set(['/a']) } }), /^fstat\(/));
});

test('--read-only: the root last, after its files', () => {
  const facts = { files: [{ path: '/etc/hosts', text: 'x', replacesLink: false }] };
  const plan = planFor(['--read-only', '--tmpfs', '/run', '-w', '/new'], { facts });
  assertInOrder(plan, [
    /^mount_setattr\(copy_0.*RDONLY/,
    /"\/run"/,
    /"\/new"/,
    /^mount\(NULL, "\/", NULL, MS_REMOUNT/,
  ]);
  assert.ok(!has(planFor([], { facts }), /mount_setattr\(copy_0|MS_REMOUNT/));
});

test('volumes: opened by the caller, taken before the pivot, mounted after it, parents first', () => {
  const plan = planFor(['-v', '/src/deep:/x/y:ro', '-v', '/src:/x', '-v', '/file:/f'], {
    facts: { directories: new Set(['/src', '/src/deep']) },
  });
  assertInOrder(plan, [
    /^openat\(AT_FDCWD, "\/src"/,
    /^read\(control\)/,
    /^open_tree\(source_0, "".*AT_RECURSIVE/,
    /^pivot_root/,
    /^move_mount\(volume_0/,
    /^openat2\(AT_FDCWD, "\/f", \{flags=O_RDONLY\|O_CREAT/,
    /^move_mount\(volume_1/,
    /^mount_setattr\(volume_2, "".*MOUNT_ATTR_RDONLY/,
    /^move_mount\(volume_2/,
  ]);
});

test('a part of a volume is opened below the volume by root of the container, and follows no link', () => {
  const plan = planFor(['-v', '/own', '-v', '/src:/x'], {
    facts: {
      directories: new Set(['/src', '/volumes/own']),
      beneath: new Map([['/own', { top: '/volumes/data/_data', path: 'a/b' }]]),
    },
  });
  assertInOrder(plan, [
    /^openat\(AT_FDCWD, "\/volumes\/data\/_data", O_PATH/,
    /^setresuid\(0, 0, 0\)/,
    /^openat2\(source_0, "a\/b", \{flags=O_PATH\|O_CLOEXEC, resolve=RESOLVE_BENEATH\|RESOLVE_NO_SYMLINKS\|RESOLVE_NO_MAGICLINKS\}/,
    /^close\(source_0\)/,
    /^open_tree\(source_0_subpath, ""/,
    /^close\(source_0_subpath\)/,
    /^pivot_root/,
    /^move_mount\(volume_0/,
  ]);
  assert.ok(!has(plan, /"\/volumes\/own"/), 'nothing is opened by its whole path');
  assert.doesNotThrow(() => encodePlan(plan, { trace: true }));
});

test('--network host shares it: no loopback to bring up, /sys of the host, read-only', () => {
  const plan = planFor(['--network', 'host']);
  assert.ok(!plan.namespaces.includes('network'));
  assert.ok(!has(plan, /SIOCSIFFLAGS|fsopen\("sysfs"/));
  assertInOrder(plan, [/^openat\(AT_FDCWD, "\/sys"/, /^mount_setattr\(volume_0.*MOUNT_ATTR_RDONLY/]);
});

test('--pid host: foster-init is not PID 1, so it adopts by prctl and gets a signal that it can handle', () => {
  const plan = planFor(['--pid', 'host']);
  assert.ok(plan.sharedPids && !plan.namespaces.includes('pid'));
  assertInOrder(plan, [/PR_SET_PDEATHSIG, SIGTERM/, /PR_SET_CHILD_SUBREAPER, 1/]);
  assert.ok(!has(planFor([]), /SUBREAPER/));
});

test('--pid container:ID: enters that user and PID namespace, the rest is new', () => {
  const share = { types: ['user', 'pid'] as const, of: 'container web' };
  const plan = planFor(['--pid', 'container:web'], { facts: { share } });
  assert.deepEqual(plan.namespaces, []);
  assert.deepEqual(plan.host, []);
  assertInOrder(plan, [
    /^setns\(8, CLONE_NEWUSER\|CLONE_NEWPID\)/,
    /^unshare\((?=.*NEWNS)(?=.*NEWNET)(?=.*NEWUTS)(?=.*NEWIPC)(?=.*NEWCGROUP)/,
    /^clone\(CLONE_PARENT/,
    /^setresuid\(0, 0, 0\)/,
    /PR_SET_CHILD_SUBREAPER/,
  ]);
  assert.ok(!has(plan, /^read\(control\)/));
  assert.equal(calls(plan)[0], 'prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)', 'before anyone there can see it');
  const again = /^execveat\(foster-init/;
  assert.ok(!has(plan, again), 'it would be executed where others may trace it');
  const member = planFor([], { facts: { share: { ...share, isPod: true } } });
  assertInOrder(member, [/^setresuid\(0, 0, 0\)/, /^pivot_root/, again]);
});

test('a terminal: its slave becomes stdin, stdout and stderr, its master leaves', () => {
  const plan = planFor(['-it']);
  assertInOrder(plan, [
    /^openat2\(mount_2, "ptmx"/,
    /^fstatfs\(master\).*DEVPTS_SUPER_MAGIC/,
    /^ioctl\(master, TIOCSPTLCK, \[0\]\)/,
    /^ioctl\(master, TIOCGPTPEER/,
    /^ioctl\(slave, TIOCSCTTY/,
    /^dup3\(slave, 0, 0\)/,
    /^dup3\(slave, 2, 0\)/,
    /^open_tree\(slave, ""/,
    /^move_mount\(console, /,
    /^sendmsg\(5, .*SCM_RIGHTS/,
    /^close\(master\)/,
    /^setpgid\(0, 0\)/,
    /^ioctl\(0, TIOCSPGRP, &self\)/,
  ]);
  assert.ok(!has(planFor(['-i']), /, "ptmx", \{|TIOCSCTTY|TIOCSPGRP/));
});

test('--no-init: no reaper, so nothing that only it needs', () => {
  const plan = planFor(['--no-init']);
  assert.equal(plan.shim, false);
  assert.ok(!has(plan, /PR_SET_DUMPABLE|setpgid/));
  // A change of user cuts the tie to the monitor, so it is tied again.
  const user = { uid: 5, gid: 5, additionalGids: [], home: '/', name: undefined };
  const other = calls(planFor(['--no-init'], { spec: { user } }));
  assert.ok(
    other.findLastIndex((call) => call.includes('PR_SET_PDEATHSIG')) >
      other.findIndex((call) => call.startsWith('setresuid(5')),
  );
});

test('root without a user namespace maps nothing and does not change its user', () => {
  const plan = planFor(['--userns', 'host'], {
    spec: { callerIsRoot: true, uidMappings: [], gidMappings: [] },
  });
  assert.deepEqual(plan.host, []);
  assert.ok(!plan.namespaces.includes('user'));
  assert.ok(!has(plan, /^setresuid|^read\(control\)/));
});

test('one id that is not root: PID 1 keeps its user', () => {
  const single = [{ containerID: 1000, hostID: 1000, size: 1 }];
  const user = { uid: 1000, gid: 1000, additionalGids: [], home: '/', name: undefined };
  const plan = planFor(['--userns', 'keep-id'], {
    spec: { uidMappings: single, gidMappings: single, user },
    facts: { canSetGroups: false },
  });
  assert.ok(!has(plan, /^setresuid\(0|^setresgid\(0|^setgroups/));
});

test('if the caller is not mapped, the container creates the folders of its layer itself', () => {
  assert.ok(has(planFor([], { facts: { isCallerMapped: false } }), /^mkdirat\(7, "upper"/));
  assert.ok(!has(planFor([]), /^mkdirat\(7/));
});

test('every step has a reason that completes "cannot ..."', () => {
  for (const { why, call } of steps(planFor(['-it', '-v', '/a:/b', '--read-only', '-u', '7', '-w', '/w']))) {
    assert.match(why, /^[a-z][^.]*[^. ]$/, `${call}: ${why}`);
  }
});

test('the program is looked for in PATH, unless it is a path', () => {
  const plan = planFor(['-e', 'PATH=/a::/b']);
  assert.deepEqual(plan.program.paths, ['/a/true', './true', '/b/true']);
  assert.deepEqual(planFor(['--entrypoint', '/bin/x']).program.paths, ['/bin/x']);
  assert.deepEqual(planFor(['--entrypoint', '/bin/x']).program.argv, ['/bin/x', 'true']);
});

test('with a copy of its layers, a container has no overlay, and its root is that copy', () => {
  const storage = {
    driver: 'copy',
    layers: ['/layers/one', '/layers/two'],
    container: '/containers/ab',
  } as const;
  const plan = planFor(['--read-only'], { facts: { storage: { ...storage, layers: [...storage.layers] } } });
  assertInOrder(plan, [
    /^openat\(AT_FDCWD, "\/containers\/ab"/,
    /^setresuid\(0, 0, 0\)/,
    /^open_tree\(7, "tree", OPEN_TREE_CLONE/,
    /^openat2\(7, "root"/,
    /^pivot_root\("\.", "\."\)/,
    /^mount_setattr\(AT_FDCWD, "\/", 0, \{attr_set=MOUNT_ATTR_RDONLY\}/,
  ]);
  assert.ok(!has(plan, /overlay|\/layers\//));
});

test('PID 1 says which programs it waits for', () => {
  const service = {
    name: 'foster-init forward',
    args: ['forward', 't80'],
    call: 'foster-init forward',
    parts: {},
  };
  const published = planFor([], { facts: { network: { interfaces: [], service } } });
  assert.deepEqual(
    published.init.filter(({ call }) => call === 'await').map(({ why }) => why),
    ['wait until foster-init forward is ready'],
  );
});

test('with fuse-overlayfs, the root is mounted before PID 1 continues, which opens no layer', () => {
  const storage = {
    driver: 'fuse-overlayfs',
    layers: ['/layers/one', '/layers/two'],
    container: '/containers/ab',
    program: '/opt/fuse-overlayfs',
  } as const;
  const plan = planFor(['--read-only'], { facts: { storage: { ...storage, layers: [...storage.layers] } } });
  assert.deepEqual(
    plan.host.map(({ kind }) => kind),
    ['run', 'run', 'start', 'resume'],
  );
  const start = plan.host.find((each) => each.kind === 'start');
  assert.deepEqual(start?.args, [
    'storage',
    'mud',
    '/opt/fuse-overlayfs',
    '/containers/ab',
    '/layers/one',
    '/layers/two',
  ]);
  assertInOrder(plan, [
    /^openat\(AT_FDCWD, "\/containers\/ab"/,
    /^read\(control\)/,
    /^setresuid\(0, 0, 0\)/,
    /^openat2\(7, "root"/,
    /^fchdir\(rootfs\)/,
    /^pivot_root\("\.", "\."\)/,
    /^mount_setattr\(AT_FDCWD, "\/", 0, \{attr_set=MOUNT_ATTR_RDONLY\}/,
  ]);
  assert.ok(!has(plan, /overlay|\/layers\/|move_mount\(rootfs/));
  const host = renderHostSteps(plan).at(-2);
  assert.match(
    host?.call ?? '',
    /^execve\("\/opt\/fuse-overlayfs", .*lowerdir=\/layers\/one:\/layers\/two,upperdir/,
  );
  assert.match(host?.undo ?? '', /^wait up to 2 s/);
  // as root without a user namespace there are no ids to wait for, but there is that
  const plain = planFor(['--userns', 'host'], {
    spec: { uidMappings: [], gidMappings: [], callerIsRoot: true },
    facts: { storage: { ...storage, layers: [...storage.layers] } },
  });
  assert.ok(has(plain, /^read\(control\)/));
  const [alone, resume] = plain.host;
  assert.ok(alone?.kind === 'start' && resume?.kind === 'resume');
  assert.equal(alone.args[1], 'md', 'there is no user namespace to join');
});

test('an overlay whose files are removed in the end is volatile, and the mark of an earlier one is removed', () => {
  const storage = { driver: 'overlay' as const, layers: ['/layers/one'], container: '/containers/ab' };
  const volatile = planFor([], { facts: { storage: { ...storage, isVolatile: true } } });
  assertInOrder(volatile, [
    /^unlinkat\(7, "work\/work\/incompat\/volatile\/dirty", 0\)/,
    /^unlinkat\(7, "work\/work\/incompat\/volatile", AT_REMOVEDIR\)/,
    /^unlinkat\(7, "work\/work\/incompat", AT_REMOVEDIR\)/,
    /^fsopen\("overlay"/,
    /^fsconfig\(\w+, FSCONFIG_SET_FLAG, "volatile"/,
  ]);
  assert.ok(!has(planFor([], { facts: { storage } }), /volatile|incompat/));
});

test('an overlay can have 500 layers, and more are an error', () => {
  const layers = (count: number) => ({
    facts: {
      storage: {
        driver: 'overlay' as const,
        layers: Array.from({ length: count }, (_, index) => `/layers/${index}`),
        container: '/containers/ab',
      },
    },
  });
  const options = calls(planFor([], layers(500))).find((call) => call.startsWith('mount("overlay"'));
  assert.ok(options !== undefined);
  const longest = steps(planFor([], layers(500)))
    .flatMap(({ args }) => args)
    .map((arg) => (typeof arg === 'string' ? arg.length : 0));
  assert.ok(Math.max(...longest) < 4096, 'mount(2) takes a page');
  assert.throws(() => planFor([], layers(501)), /has 501 layers, and an overlay can have 500/);
});

test('mounts with shifted ids are sent to PID 1 in the order of its steps', () => {
  const spec = { shiftsIds: true };
  const storage = {
    driver: 'overlay' as const,
    layers: ['/srv/tree'],
    container: '/containers/ab',
    isShifted: true,
  };
  const part = ['--mount', 'type=bind,src=/c,dst=/z,bind-subpath=p'];
  const beneath = new Map([['/z', { top: '/c', path: 'p' }]]);
  const flags = ['-v', '/a:/x', '-v', '/b:/y:ro,dev,bind', ...part, '-v', '/own'];
  const plan = planFor(flags, { spec, facts: { storage, beneath } });
  assert.deepEqual(
    plan.host.slice(-4).map(({ why: _, advice: __, ...mount }) => mount),
    [
      { kind: 'hand', source: '/a', isDeep: true, allowsDevices: false, mustShift: false },
      { kind: 'hand', source: '/b', isDeep: false, allowsDevices: true, mustShift: false },
      {
        kind: 'hand',
        source: '/c/p',
        beneath: { top: '/c', path: 'p' },
        isDeep: true,
        allowsDevices: false,
        mustShift: false,
      },
      { kind: 'hand', source: '/srv/tree', isDeep: false, allowsDevices: false, mustShift: true },
    ],
  );
  assertInOrder(plan, [
    /^read\(control\)/,
    /^setresuid/,
    /^recvmsg\(3, .*volume_0/,
    /^recvmsg\(3, .*volume_1/,
    /^recvmsg\(3, .*lower/,
    /^move_mount\(lower, .*, lower_place/,
    /^dup3\(lower, 32/,
    /^fsopen\("overlay"/,
    /^pivot_root/,
    /^mount_setattr\(volume_0, "", AT_EMPTY_PATH\|AT_RECURSIVE, \{propagation=MS_PRIVATE\}/, // out of the host's peer group
    /^move_mount\(volume_0/,
    /^mount_setattr\(volume_1, "", .*\{propagation=MS_PRIVATE\}/,
    /^move_mount\(volume_1/,
  ]);
  assert.ok(!has(plan, /"\/(a|b|srv\/tree)"/), 'PID 1 opens none of them');
  assert.ok(planFor(flags).host.every(({ kind }) => kind !== 'hand'));
  assert.doesNotThrow(() => encodePlan(plan, { trace: true }));
});

test('an unknown type of namespace is refused by name', () => {
  const types = [{ type: 'mount' as const }, { type: 'weather' as 'time' }];
  const { spec: bare, facts, options } = planParts([]);
  for (const namespaces of [types, [{ type: 'toString' as 'time' }]]) {
    const spec = { ...bare, linux: { ...bare.linux, namespaces } };
    const refusal = {
      message: `cannot create a namespace of the type "${namespaces.at(-1)?.type}"`,
      advice: 'foster supports user, pid, mount, network, uts, ipc, cgroup, time',
    };
    assert.throws(() => buildPlan(spec, facts, options), refusal);
    const share = { types: ['pid'] as const, of: 'x' };
    assert.throws(() => buildPlan(spec, { ...facts, share }, options), refusal);
    assert.throws(() => buildExecPlan(spec, { canSetGroups: true, detached: false }), refusal);
    assert.throws(() => namespaceFlags(namespaces.map(({ type }) => type)), refusal);
  }
  assert.equal(namespaceFlags(['mount', 'user']), 0x10020000);
});
