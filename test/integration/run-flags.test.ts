import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { Home } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** Flags of Docker's and Podman's `run` that change what a container sees: many at a time, since each start takes a while. */
const home = new Home();

function lines(flags: string[], script: string, env: Record<string, string> = {}): string[] {
  const { status, stdout, stderr } = home.shell(script, flags, { env });
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.trimEnd().split('\n');
}

const ownNamespace = (type: string) => readlinkSync(`/proc/self/ns/${type}`);

test('the namespaces of the host: --ipc, --uts, --cgroupns host', () => {
  const shown = lines(
    ['--ipc', 'host', '--uts=host', '--cgroupns', 'host'],
    'for type in ipc uts cgroup net; do readlink /proc/self/ns/$type; done; hostname; ls -d /dev/shm',
  );
  assert.deepEqual(shown.slice(0, 3), ['ipc', 'uts', 'cgroup'].map(ownNamespace));
  assert.notEqual(shown[3], ownNamespace('net'));
  assert.deepEqual(shown.slice(4), [hostname(), '/dev/shm']);
});

test('--ipc none has an IPC namespace without /dev/shm', () => {
  const [ipc, shm] = lines(
    ['--ipc', 'none'],
    'readlink /proc/self/ns/ipc; ls -d /dev/shm 2>/dev/null || echo none',
  );
  assert.notEqual(ipc, ownNamespace('ipc'));
  assert.equal(shm, 'none');
});

test('of the process: groups, umask, OOM score, execution domain', () => {
  const flags = ['--group-add', '77,tty', '--group-add', '78', '--umask', '077', '--oom-score-adj', '500'];
  const shown = lines(
    [...flags, '--personality', 'LINUX32'],
    'id -G; umask; cat /proc/self/oom_score_adj; uname -m | grep -c 86_64 || true',
  );
  assert.deepEqual(shown, ['0 5 77 78', '0077', '500', '0']);
});

test('of /etc: search domains, options of the resolver, a domain, a time zone', () => {
  const dns = ['--dns', '1.1.1.1', '--dns-search', 'a.b', '--dns-option', 'ndots:3', '--dns-opt', 'rotate'];
  const shown = lines(
    [...dns, '--domainname', 'dom', '-h', 'box', '--tz', 'local'],
    'cat /etc/resolv.conf; hostname -f; cat /proc/sys/kernel/domainname; test -s /etc/localtime && echo zone',
  );
  assert.deepEqual(shown, [
    'nameserver 1.1.1.1',
    'search a.b',
    'options ndots:3 rotate',
    'box.dom',
    'dom',
    'zone',
  ]);
  const without = ['--no-hosts', '--no-hostname', '--dns', 'none'];
  const own =
    'cat /etc/hosts /etc/hostname /etc/resolv.conf | wc -c; grep -c " /etc/" /proc/self/mountinfo || true';
  assert.deepEqual(lines(without, own), ['0', '0'], 'those of the root filesystem');
});

test('the environment: of the caller, without that of the image', () => {
  const env = { MINE_A: '1', MINE_B: '2', http_proxy: 'http://proxy', PATH: process.env.PATH ?? '' };
  const shown = lines(['-e', 'MINE_*', '--http-proxy'], 'echo $MINE_A $MINE_B $http_proxy', env);
  assert.deepEqual(shown, ['1 2 http://proxy']);
  assert.deepEqual(lines(['--env-host'], 'echo $MINE_A $PATH', env), [
    '1 /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ]);
  assert.deepEqual(
    lines(['--env-merge', 'HOME=$HOME/sub', '--unsetenv', 'container'], 'echo $HOME:$container'),
    ['/root/sub:'],
  );
  const all = home.run(['--rm', '--unsetenv-all', '-e', 'A=1', 'busybox', 'env']);
  assert.equal(all.stdout, 'A=1\n');
});

test('devices, shared memory, folders to write to', () => {
  const shown = lines(
    ['--device', '/dev/null:/dev/mine:rwm', '--shm-size', '1m', '--read-only', '--read-only-tmpfs'],
    'echo x > /dev/mine; test -c /dev/mine && echo device; df -k /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2; touch /run/x /tmp/x /var/tmp/x; touch /x 2>/dev/null || echo refused',
  );
  assert.deepEqual(shown, ['device', '1024', 'refused']);
});

test('--security-opt: paths that are hidden, and those that are not', () => {
  const shown = lines(
    [
      '--security-opt',
      'mask=/etc/group',
      '--security-opt',
      'unmask=/proc/sys',
      '--security-opt',
      'proc-opts=hidepid=2',
    ],
    'cat /etc/group | wc -c; grep -c " /proc/sys " /proc/mounts; grep -c "^proc /proc .*hidepid" /proc/mounts',
  );
  assert.deepEqual(shown, ['0', '0', '1']);
  assert.deepEqual(lines(['--security-opt', 'unmask=ALL'], 'grep -c "^[^ ]* /proc/" /proc/mounts || true'), [
    '0',
  ]);
});

test('--replace: a running container of that name goes', async () => {
  const start = () =>
    home.run(['-d', '--name', 'web', '--replace', 'busybox', 'sleep', '1000']).stdout.trim();
  const [first, second] = [start(), start()];
  assert.match(second, /^[0-9a-f]{64}$/);
  assert.notEqual(first, second);
  assert.equal(home.foster(['ps', '-aq', '--no-trunc']).stdout.trim(), second);
  const third = home.foster(['create', '--name', 'web', '--replace', 'busybox']).stdout.trim();
  assert.equal(home.foster(['ps', '-aq', '--no-trunc']).stdout.trim(), third);
  home.foster(['rm', 'web']);
  await home.assertNothingLeft();
});

test('--log-driver none keeps nothing', () => {
  assert.equal(
    home.run(['--name', 'quiet', '--log-driver', 'none', 'busybox', 'echo', 'said']).stdout,
    'said\n',
  );
  const { status, stdout, stderr } = home.foster(['logs', 'quiet']);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /^foster: container quiet has no log: it was made with --log-driver none\n$/);
  home.foster(['rm', 'quiet']);
});

test('--rootfs: a directory, even one with the name of an image', () => {
  const { status, stderr } = home.run(['--rootfs', 'busybox', 'true'], { cwd: home.folder });
  assert.deepEqual(
    [status, stderr],
    [125, `foster: --rootfs 'busybox': ${home.folder}/busybox does not exist\n`],
  );
});

test('--attach: the streams that are not attached are in the log only', () => {
  const script = 'cat > /dev/null; echo out; echo err >&2';
  const run = (...flags: string[]) =>
    home.run(['--name', 'a1', ...flags, 'busybox', 'sh', '-c', script], { input: 'typed\n' });
  const cases: [flags: string[], stdout: string, stderr: string][] = [
    [['-a', 'stdout'], 'out\n', ''],
    [['-i', '-a', 'stdin', '--attach=stderr'], '', 'err\n'],
    [['-a', 'stdout', '--health-cmd', 'true'], 'out\n', ''],
  ];
  for (const [flags, stdout, stderr] of cases) {
    const shown = run(...flags);
    assert.deepEqual([shown.stdout, shown.stderr, shown.status], [stdout, stderr, 0], flags.join(' '));
    const log = home.foster(['logs', 'a1']);
    assert.deepEqual([log.stdout, log.stderr], ['out\n', 'err\n']);
    home.foster(['rm', 'a1']);
  }
  // without any output, the id says which container it was, as in Docker and Podman
  for (const flags of [[], ['--health-cmd', 'true']]) {
    const shown = run('-i', '-a', 'stdin', ...flags);
    assert.equal(
      shown.stdout,
      home.foster(['inspect', '-f', '{{.Id}}\n', 'a1']).stdout.replace(/\n\n$/, '\n'),
      shown.stderr,
    );
    assert.equal(home.foster(['logs', 'a1']).stdout, 'out\n');
    home.foster(['rm', 'a1']);
  }
});

test('--sig-proxy=false: signals end the command only; --pidfile says which process to send them to', async () => {
  const file = `${home.folder}/pid`;
  const run = home.start([
    '--name',
    'left',
    '--sig-proxy=false',
    '--pidfile',
    file,
    'busybox',
    'sleep',
    '1000',
  ]);
  await waitUntil('the pid is written', () => existsSync(file) && readFileSync(file, 'utf8') !== '');
  const pid = readFileSync(file, 'utf8');
  assert.equal(
    home.foster(['inspect', '-f', '{{.State.Pid}} {{.PidFile}}', 'left']).stdout,
    `${pid} ${file}\n`,
  );
  // the pid is written before this process becomes the container's client
  await waitUntil('the command is attached', () => /foster-init/.test(commandOf(run.pid)));
  process.kill(run.pid, 'SIGTERM');
  await run.ended;
  assert.equal(home.foster(['inspect', '-f', '{{.State.Status}}', 'left']).stdout, 'running\n');
  home.foster(['rm', '-f', 'left']);
});

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}

test('--mount type=devpts', () => {
  const [kind] = lines(['--mount', 'type=devpts,dst=/dev/pts,mode=600'], 'grep " /dev/pts " /proc/mounts');
  assert.match(kind ?? '', /^devpts \/dev\/pts devpts .*mode=600/);
});

test('--uidmap, --gidmap, and keep-id with ids', () => {
  const show = 'id -u; id -g; wc -l < /proc/self/uid_map; touch /tmp/x; stat -c "%u %g" /tmp/x';
  assert.deepEqual(lines(['--uidmap', '0:0:1', '--uidmap', '1:1:50'], show), ['0', '0', '2', '0 0']);
  assert.deepEqual(lines(['--uidmap', '0:1:50', '--gidmap', '0:2:50', '-u', '7:8'], show), [
    '7',
    '8',
    '1',
    '7 8',
  ]);
  assert.deepEqual(lines(['--userns', 'keep-id:uid=77,gid=5'], show), ['77', '5', '3', '77 5']);
  const file = `${home.shared}/mine`;
  lines(['--userns', 'keep-id:uid=77', '-v', `${home.shared}:/shared`], 'touch /shared/mine');
  assert.equal(statSync(file).uid, process.getuid?.());
});

test('--timeout kills the container, in the foreground and in the background', () => {
  for (const flags of [[], ['--no-init'], ['-d']]) {
    const { stderr } = home.run(['--name', 'short', '--timeout', '1', ...flags, 'busybox', 'sleep', '1000']);
    assert.equal(stderr, '');
    assert.equal(home.foster(['wait', 'short']).stdout, '137\n', flags.join(' '));
    assert.equal(home.foster(['inspect', '-f', '{{.Config.Timeout}}', 'short']).stdout, '1\n');
    home.foster(['rm', 'short']);
  }
});

test('--health-on-failure kill', () => {
  const check = ['--health-cmd', 'false', '--health-interval', '50ms', '--health-on-failure', 'kill'];
  home.run(['-d', '--name', 'ill', ...check, 'busybox', 'sleep', '1000']);
  assert.equal(home.foster(['wait', 'ill']).stdout, '137\n');
  assert.equal(home.foster(['inspect', '-f', '{{.State.Health.Status}}', 'ill']).stdout, 'unhealthy\n');
  home.foster(['rm', 'ill']);
});
