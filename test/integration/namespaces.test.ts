import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, release, userInfo } from 'node:os';
import { test } from 'node:test';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';

/** The world that a container sees: namespaces, ids, /proc, /dev, /sys, /etc. */
const home = new ImagesHome();

function output(script: string, flags: string[] = []): string {
  const { status, stdout, stderr } = home.shell(script, flags);
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.trimEnd();
}

test('every namespace is its own', () => {
  const names = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];
  const links = output(`for n in ${names.join(' ')}; do readlink /proc/self/ns/$n; done`).split('\n');
  assert.equal(links.length, names.length);
  for (const [index, name] of names.entries()) {
    assert.match(links[index] ?? '', /^[a-z]+:\[\d+\]$/);
    assert.notEqual(links[index], readlinkSync(`/proc/self/ns/${name}`), name);
  }
});

test("the host's network comes with the host's name, unless another one is asked for", () => {
  assert.equal(output('hostname; cat /etc/hostname', ['--network', 'host']), `${hostname()}\n${hostname()}`);
  assert.equal(output('hostname', ['--network', 'host', '--hostname', 'mine']), 'mine');
});

test('a program can see that it is in a container, as in Podman, and that is no change of its files', () => {
  const isMounted = 'grep -c " /run/.containerenv " /proc/self/mountinfo';
  assert.equal(output(`${isMounted}; wc -c < /run/.containerenv`), '1\n0');
  home.load(dockerArchive({ names: ['bare:1'], layers: [BUSYBOX_LAYER] })); // busybox has that file
  assert.equal(home.run(['--name', 'one', 'bare:1', 'true']).status, 0);
  assert.doesNotMatch(home.foster(['diff', 'one']).stdout, /containerenv/);
  assert.equal(home.foster(['rm', 'one']).status, 0);
});

test("root is the caller, and all of the caller's range is mapped", (t) => {
  const name = userInfo().username;
  const uid = process.getuid?.() ?? 0;
  const ranges = readFileSync('/etc/subuid', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([who]) => who === String(uid) || who === name)
    .map(([, start, size]) => [Number(start), Number(size)]);
  if (uid === 0 || ranges.length === 0) return t.skip(`${name} has no range`);
  const rows = output('cat /proc/self/uid_map')
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  let next = 1;
  const expected = [[0, uid, 1]];
  for (const [start = 0, size = 0] of ranges) {
    expected.push([next, start, size]);
    next += size;
  }
  assert.deepEqual(rows, expected);
  assert.equal(output('touch /x; chown 65535:65535 /x; stat -c %u:%g /x'), '65535:65535');
});

test('no group of the caller is inherited', () => {
  assert.equal(output('grep Groups /proc/self/status').replace(/\s+/g, ''), 'Groups:0');
});

test('/proc shows only the processes of the container, and cannot be used to change the host', () => {
  assert.equal(output('cd /proc; echo [0-9]*'), '1 2');
  for (const path of ['/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/irq', '/proc/bus']) {
    const { stdout } = home.shell(
      `[ ! -e ${path} ] && echo absent || { echo x > ${path}/x || echo x > ${path}; } 2>&1`,
    );
    assert.match(stdout, /absent|Read-only|Is a directory|nonexistent|not create/, path);
  }
  assert.match(home.shell('echo h > /proc/sys/kernel/hostname').stderr, /Read-only file system/);
});

test('files with information about the host are hidden', () => {
  for (const path of [
    '/proc/keys',
    '/proc/timer_list',
    '/proc/kcore',
    '/proc/latency_stats',
    '/proc/sched_debug',
  ])
    assert.equal(output(`[ -e ${path} ] && cat ${path} || true`), '', path);
  for (const path of ['/proc/acpi', '/proc/scsi', '/sys/firmware', '/sys/devices/virtual/powercap'])
    assert.equal(output(`[ -e ${path} ] && ls -A ${path} || true`), '', path);
});

test('/dev has what programs need, of the right kinds', () => {
  const stat = output('cd /dev; stat -c "%n %F %t:%T %a" null zero full random urandom tty');
  assert.equal(
    stat,
    [
      'null character special file 1:3 666',
      'zero character special file 1:5 666',
      'full character special file 1:7 666',
      'random character special file 1:8 666',
      'urandom character special file 1:9 666',
      'tty character special file 5:0 666',
    ].join('\n'),
  );
  assert.equal(
    output('ls /dev'),
    'core\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero',
  );
});

test('the devices work', () => {
  assert.equal(output('echo x > /dev/null; wc -c < /dev/null'), '0');
  assert.equal(output('head -c 3 /dev/zero | od -An -tx1'), ' 00 00 00');
  assert.match(home.shell('echo x > /dev/full').stderr, /No space left on device/);
  assert.equal(output('head -c 16 /dev/urandom | wc -c; head -c 16 /dev/random | wc -c'), '16\n16');
  // Pipes of the container: foster's own stdio are sockets here, which nobody can open by a path.
  assert.equal(output('echo in | cat /dev/stdin; { echo out > /dev/stdout; } | cat'), 'in\nout');
  assert.equal(output('{ echo err > /dev/stderr; } 2>&1 | cat'), 'err');
  assert.equal(output('echo a > /dev/shm/a; cat /dev/shm/a; stat -c %a /dev/shm'), 'a\n1777');
  assert.equal(output('stat -f -c %T /dev/mqueue; stat -f -c %T /dev/pts'), 'UNKNOWN\ndevpts');
  assert.equal(output('echo 3 4 | { ls /dev/fd/ | head -n 1; }'), '0');
});

test("a terminal is from the container's devpts", () => {
  assert.equal(output('readlink /dev/ptmx; stat -c %a /dev/pts/ptmx; ls /dev/pts'), 'pts/ptmx\n666\nptmx');
});

test('no other device of the host can be created or opened', () => {
  const { stdout, status } = home.shell(
    'mknod /tmp/sda b 8 0 2>/dev/null; echo $?; cat /tmp/sda 2>/dev/null | head -c 1',
  );
  assert.deepEqual([stdout, status], ['1\n', 0]);
});

test('/sys belongs to the network namespace and is read-only', () => {
  assert.equal(
    output('ls /sys/class/net; grep " /sys " /proc/mounts').split(',')[0],
    'lo\nsysfs /sys sysfs ro',
  );
  assert.equal(home.shell('echo 1 > /sys/class/net/lo/mtu', ['--cap-add', 'NET_ADMIN']).status, 1);
});

test('IPC, host name and cgroup are its own', () => {
  assert.equal(output('ls /dev/mqueue; hostname inner 2>/dev/null; hostname', ['-h', 'outer']), 'outer');
  assert.equal(output('hostname inner && hostname', ['--cap-add', 'SYS_ADMIN']), 'inner');
  for (const line of output('cat /proc/self/cgroup').split('\n')) assert.match(line, /^\d+:[^:]*:\/$/);
});

test('the root is the container', () => {
  assert.equal(output('ls -d /proc/1/root/work /home/* 2>/dev/null; ls /').includes('work'), false);
  const mounts = output('cat /proc/self/mountinfo');
  assert.ok(!mounts.includes(home.folder), mounts);
  assert.match(mounts, /^\d+ \d+ \S+ \/ \/ rw,relatime - overlay overlay /m);
  // Up and out: the root's parent is the root.
  assert.equal(output('cd /; cd ../../..; pwd; ls | head -n 1'), '/\nbin');
});

test("programs see the host's kernel, and create files with the usual modes", () => {
  assert.equal(output('uname -r; umask'), `${release()}\n0022`);
});
