import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CGROUPS } from '../../../src/doctor/checks/cgroups.js';
import { CLOCK } from '../../../src/doctor/checks/clock.js';
import { CONTAINER } from '../../../src/doctor/checks/container.js';
import { DISK } from '../../../src/doctor/checks/disk.js';
import { FUSE } from '../../../src/doctor/checks/fuse.js';
import { KERNEL } from '../../../src/doctor/checks/kernel.js';
import { NODE } from '../../../src/doctor/checks/node.js';
import { OVERLAY } from '../../../src/doctor/checks/overlay.js';
import { USER_NAMESPACES } from '../../../src/doctor/checks/user-namespaces.js';
import { WSL } from '../../../src/doctor/checks/wsl.js';
import { CHECKS } from '../../../src/doctor/checks.js';
import { DELEGATION } from '../../../src/plan/cgroup/v2.js';

/** What cannot be broken for real where these tests run: the facts are those of such machines. */

test('checks have different names, which are words for a command line', () => {
  const names = CHECKS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z-]+$/);
});

test('versions of Node and architectures', () => {
  const level = (version: string, architecture = 'x64') => NODE.judge({ version, architecture })?.level;
  assert.equal(level('v20.0.0'), 'ok');
  assert.equal(level('v26.1.0', 'arm64'), 'ok');
  assert.equal(level('v18.20.4'), 'fail');
  assert.equal(level('v22.0.0', 'riscv64'), 'fail');
});

test('kernels', () => {
  const judge = (release: string, more = {}) => KERNEL.judge({ release, missing: [], ...more });
  assert.deepEqual(judge('6.1.0-30-amd64')?.found, 'Linux 6.1.0-30-amd64; its options cannot be read');
  assert.equal(judge('5.11.0')?.level, 'ok');
  assert.equal(judge('5.10.0-30-amd64')?.level, 'warn');
  assert.equal(judge('5.4.0-150-generic')?.level, 'fail');
  assert.equal(judge('4.18.0-553.el8.x86_64')?.level, 'fail');
  assert.match(judge('6.1.0', { missing: ['user'] })?.found ?? '', /without namespaces of type user$/);
  const off = judge('6.1.0', { options: { OVERLAY_FS: 'm', VETH: 'n', BRIDGE: 'n' } });
  assert.deepEqual(
    [off?.level, off?.found, off?.means],
    ['warn', 'Linux 6.1.0, without CONFIG_VETH, CONFIG_BRIDGE', 'Containers have no network.'],
  );
});

test('WSL', () => {
  const judge = (release: string, hasSystemd = false) => WSL.judge({ release, hasSystemd });
  assert.equal(judge('6.1.0-30-amd64'), undefined);
  const first = judge('4.4.0-19041-Microsoft');
  assert.deepEqual(
    [first?.level, first?.mend?.[0]?.command],
    ['fail', 'wsl.exe --set-version "$WSL_DISTRO_NAME" 2'],
  );
  assert.equal(judge('5.15.167.4-microsoft-standard-WSL2')?.level, 'warn');
  assert.equal(judge('5.15.167.4-microsoft-standard-WSL2', true)?.level, 'ok');
});

test("Ubuntu's AppArmor: the profile comes first, and then the setting for all programs", () => {
  const finding = USER_NAMESPACES.judge({
    ids: 65537,
    failure: { message: 'the trial of namespaces cannot become root', errno: 'EPERM' },
    obstacle: { because: 'AppArmor forbids it', command: 'sysctl -w a=0', wantsProfile: true },
    programs: ['/usr/bin/node', '/opt/foster [1]/x64/foster'],
  });
  assert.equal(finding?.level, 'fail');
  const [profile, setting] = finding?.mend ?? [];
  assert.equal(
    profile?.command,
    `cat >/etc/apparmor.d/foster <<'END'
abi <abi/4.0>,
profile foster "/usr/bin/node" flags=(unconfined) {
  userns,
}
profile foster-1 "/opt/foster \\[1\\]/x64/foster" flags=(unconfined) {
  userns,
}
END
apparmor_parser --replace /etc/apparmor.d/foster`,
  );
  assert.match(setting?.advice ?? '', /sysctl -w a=0$/);
});

test('namespaces that can be made, but not all that is in them', () => {
  const trial = {
    mounts: 'EPERM',
    'PID namespaces': '',
    'network namespaces': 'ENOSPC',
    'IPC namespaces': '',
  };
  const finding = USER_NAMESPACES.judge({ ids: 1, trial, programs: [] });
  assert.equal(
    finding?.found,
    'in a user namespace, mounts cannot be made (EPERM), network namespaces cannot be made (ENOSPC)',
  );
});

test('cgroups that systemd does not delegate: the drop-in as commands', () => {
  const because = 'systemd does not delegate the cgroup controller cpu to you';
  const reasons = [{ because, advice: `as root, write ... to ${DELEGATION.file}`, options: ['--cpus'] }];
  const finding = CGROUPS.judge({
    version: '2',
    manager: 'systemd',
    controllers: ['memory', 'pids'],
    reasons,
  });
  assert.equal(finding?.level, 'warn');
  assert.equal(finding?.found, `cgroups of version 2, by systemd: memory, pids; ${because}`);
  assert.equal(
    finding?.mend?.[0]?.command,
    "mkdir -p /etc/systemd/system/user@.service.d && printf '%s\\n' '[Service]' 'Delegate=cpu cpuset io memory pids' " +
      '>/etc/systemd/system/user@.service.d/delegate.conf && systemctl daemon-reload',
  );
  assert.equal(
    CGROUPS.judge({ version: '2', manager: 'systemd', controllers: ['cpu'], reasons: [] })?.level,
    'ok',
  );
});

test('fuse-overlayfs matters only where the overlay of the kernel does not work', () => {
  const facts = { deviceError: 'ENOENT', hasProgram: false, install: 'apt-get install fuse-overlayfs' };
  assert.equal(FUSE.judge({ ...facts, isNeeded: false })?.level, 'ok');
  const needed = FUSE.judge({ ...facts, isNeeded: true });
  assert.deepEqual(
    [needed?.level, needed?.mend?.map(({ command }) => command)],
    ['warn', ['modprobe fuse', 'apt-get install fuse-overlayfs']],
  );
  assert.match(
    FUSE.judge({ isNeeded: true, deviceError: 'EPERM', hasProgram: true })?.mend?.[0]?.advice ?? '',
    /--device/,
  );
  assert.equal(OVERLAY.judge({ driver: 'fuse-overlayfs', reason: 'x' })?.level, 'warn');
  assert.equal(
    OVERLAY.judge({ driver: 'overlay', reason: 'it could not be tested: x', isUntested: true })?.level,
    'fail',
  );
});

test('containers around foster', () => {
  const judge = (kind: string | undefined, isFiltered: boolean, hasNoNewPrivileges: boolean) =>
    CONTAINER.judge({ ...(kind && { kind }), isFiltered, hasNoNewPrivileges });
  assert.equal(judge(undefined, false, false)?.level, 'ok');
  assert.equal(judge('docker', false, false)?.level, 'ok');
  const both = judge('docker', true, true);
  assert.equal(
    both?.found,
    'foster runs in a container (docker), under a seccomp filter and without new privileges',
  );
  assert.equal(both?.mend?.length, 2);
});

test('disks and clocks', () => {
  const GB = 1024 ** 3;
  const level = (free: number, more = {}) =>
    DISK.judge({ folder: '/d', free, size: 100 * GB, ...more })?.level;
  assert.equal(level(50 * GB), 'ok');
  assert.equal(level(GB), 'warn');
  assert.equal(level(1024), 'fail');
  assert.equal(level(50 * GB, { inodes: { free: 10_000, all: 1_000_000 } }), 'warn');
  assert.equal(level(50 * GB, { inodes: { free: 5, all: 1_000_000 } }), 'fail');
  assert.equal(level(50 * GB, { error: 'EROFS' }), 'fail');
  const latest = { path: '/usr/bin/node', changed: Date.UTC(2026, 0, 3) };
  assert.equal(CLOCK.judge({ now: Date.UTC(2026, 5, 1), latest })?.level, 'ok');
  assert.match(CLOCK.judge({ now: 0, latest })?.found ?? '', /^it is 1970-01-01 00:00 UTC by the clock/);
});
