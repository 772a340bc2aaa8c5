import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';

/** Links of an image, a Dockerfile or a volume where foster mounts and writes, in /dev, /proc and /sys. */
const home = new ImagesHome();
const containers = new Containers(home);

after(() => containers.removeAll());

/** A folder to be mounted: names to the targets of links, or to undefined for a directory. */
function folder(name: string, content: Record<string, string | undefined>): string {
  const path = join(home.shared, name);
  mkdirSync(path, { recursive: true });
  for (const [each, target] of Object.entries(content)) {
    if (target === undefined) mkdirSync(join(path, each), { recursive: true });
    else symlinkSync(target, join(path, each));
  }
  return path;
}

function image(name: string, volumes: string[], members = BUSYBOX_LAYER): void {
  const Volumes = Object.fromEntries(volumes.map((volume) => [volume, {}]));
  home.load(dockerArchive({ names: [name], layers: [members], config: { Volumes, Cmd: ['sh'] } }));
}

for (const place of [
  '/dev',
  '/dev/',
  '/dev/shm',
  '/proc',
  '/proc/sys',
  '/sys',
  '/sys/kernel',
  '/var/../dev',
  '//proc',
]) {
  test(`an image cannot have a volume at ${place}`, () => {
    image('hostile', [place]);
    const { status, stderr } = home.run(['--rm', 'hostile', 'true']);
    assert.equal(status, 125);
    assert.match(
      stderr,
      /^foster: the image declares a volume at '.*', where only the user may mount something;/m,
    );
    assert.deepEqual(home.leftFolders(), []);
  });
}

test('nor through a link', () => {
  for (const target of ['/dev', '../dev/shm', '/proc', '/proc/sys', '/sys/kernel', 'over', '/dev/pts']) {
    const links = [
      { name: 'alias', type: '2', target },
      { name: 'over', type: '2', target: '/dev/mqueue' },
    ];
    image('linked', ['/alias'], [...BUSYBOX_LAYER, ...links]);
    const { status, stderr } = home.run(['--rm', 'linked', 'true']);
    assert.equal(status, 125, `${target}: ${stderr}`);
    assert.match(stderr, /where images and Dockerfiles must not mount anything/, target);
  }
});

test('a volume at /sys/fs/cgroup, as in images with systemd, is ignored with a warning', () => {
  image('systemd', ['/sys/fs/cgroup', '/data']);
  const { status, stdout, stderr } = home.run([
    '--rm',
    'systemd',
    'sh',
    '-c',
    'cat /proc/self/mountinfo; ls -d /data',
  ]);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^foster: .*\/sys\/fs\/cgroup is left out/m);
  assert.match(stdout, / \/data /);
  assert.doesNotMatch(stdout, / \/sys\/fs\/cgroup /);
});

test('a Dockerfile cannot mount anything in /dev, /proc and /sys', () => {
  const context = folder('context', {});
  const dockerfile = (text: string) => {
    writeFileSync(join(context, 'Dockerfile'), `FROM localhost/foster/busybox\n${text}\n`);
    return home.foster(['build', context]);
  };
  const mounts = ['type=bind,target=/dev,rw', 'type=tmpfs,target=/proc/sys', 'type=cache,target=../../dev/x'];
  for (const mount of [...mounts, 'type=secret,id=a,target=/sys/a']) {
    const { status, stderr } = dockerfile(`RUN --mount=${mount} true`);
    assert.notEqual(status, 0);
    assert.match(stderr, /:2: .*nothing can be mounted in \/dev, \/proc or \/sys/, mount);
  }
  const volume = dockerfile('VOLUME /proc/sys');
  assert.notEqual(volume.status, 0);
  assert.match(volume.stderr, /:2: VOLUME \/proc\/sys: an image cannot have a volume in/);
  // a link that an earlier step has made
  const linked = dockerfile('RUN ln -s /dev /alias\nRUN --mount=type=tmpfs,target=/alias true');
  assert.notEqual(linked.status, 0);
  assert.match(linked.stderr, /where images and Dockerfiles must not mount anything/);
});

test("a mask is the host's null device, whatever a volume has in /dev", () => {
  const victim = join(home.shared, 'victim');
  writeFileSync(victim, 'untouched\n');
  const dev = folder('dev', {
    null: '/shared/victim',
    zero: '/shared/victim',
    pts: undefined,
    shm: undefined,
    mqueue: undefined,
  });
  const flags = ['-v', `${dev}:/dev`, '-v', `${home.shared}:/shared`];
  const { status, stdout, stderr } = home.shell(
    'for file in /proc/keys /proc/timer_list; do stat -c "%F %t:%T" $file; echo broken > $file; done; ls /dev',
    flags,
  );
  assert.equal(status, 0, stderr);
  const device = 'character special file 1:3\n';
  assert.equal(stdout, `${device}${device}mqueue\nnull\npts\nshm\nzero\n`);
  assert.equal(readFileSync(victim, 'utf8'), 'untouched\n');
});

test('a kernel parameter is set in the kernel, whatever a volume has in /proc/sys', () => {
  const victim = join(home.shared, 'other-victim');
  writeFileSync(victim, 'untouched\n');
  const link = { 'ipv4/ip_unprivileged_port_start': '/shared/other-victim' };
  const net = folder('net', { ipv4: undefined, ...link });
  const { status, stderr } = home.shell('cat /proc/sys/net/ipv4/ip_unprivileged_port_start', [
    ...['-v', `${net}:/proc/sys/net`, '-v', `${home.shared}:/shared`],
    ...['--sysctl', 'net.ipv4.ip_unprivileged_port_start=77'],
  ]);
  assert.equal(status, 0, stderr);
  assert.equal(readFileSync(victim, 'utf8'), 'untouched\n');
  assert.equal(
    home.shell('cat /proc/sys/net/ipv4/ip_unprivileged_port_start', [
      '--sysctl',
      'net.ipv4.ip_unprivileged_port_start=77',
    ]).stdout,
    '77\n',
  );
  // Where all of /proc is a person's own, there is nothing to write to.
  const proc = folder('proc', {
    'sys/net/ipv4': undefined,
    'sys/net/ipv4/ip_forward': '/shared/other-victim',
  });
  const refused = home.run([
    ...['--rm', '-v', `${proc}:/proc`, '-v', `${home.shared}:/shared`, '--sysctl', 'net.ipv4.ip_forward=1'],
    ...['busybox', 'true'],
  ]);
  assert.equal(refused.status, 125);
  assert.match(
    refused.stderr,
    /cannot set the kernel parameter net\.ipv4\.ip_forward to 1: .*a volume hides/,
  );
  assert.equal(readFileSync(victim, 'utf8'), 'untouched\n');
});

test('a terminal comes from a devpts, or not at all', () => {
  const pts = folder('pts', { ptmx: '/shared/victim', 0: '/shared/victim' });
  containers.detach('own-pts', 'sleep 1000', ['-v', `${pts}:/dev/pts`]);
  const { status, stderr } = home.foster(['exec', '-t', 'own-pts', 'true']);
  assert.equal(status, 125);
  assert.match(stderr, /cannot open the container's terminal: .*\/dev\/pts/);
});

test('files are renamed all over the machine while containers start', async () => {
  const tree = home.path('renamed');
  for (const name of ['bin', 'deep/er/still', 'etc']) mkdirSync(join(tree, name), { recursive: true });
  writeFileSync(join(tree, 'bin/busybox'), readFileSync('/bin/busybox'), { mode: 0o755 });
  symlinkSync(`${'../'.repeat(40)}deep`, join(tree, 'up'));
  const loop = 'const fs = require("fs"); for (;;) { fs.renameSync("a", "b"); fs.renameSync("b", "a"); }';
  const loops: ChildProcess[] = [];
  for (const name of ['one', 'two']) {
    const cwd = home.path(name);
    mkdirSync(join(cwd, 'a'), { recursive: true });
    loops.push(spawn(process.execPath, ['-e', loop], { cwd, stdio: 'ignore' }));
  }
  try {
    for (let round = 0; round < 20; round++) {
      const { status, stderr } = home.run(['--rm', '-w', '/up/er/still', tree, '/bin/busybox', 'true']);
      assert.equal(status, 0, stderr);
    }
  } finally {
    for (const each of loops) each.kill('SIGKILL');
  }
});
