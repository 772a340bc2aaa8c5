import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { getExtendedAttribute, setExtendedAttribute } from '../../src/sys/libc.js';
import { FROM } from './support/build.js';
import { Containers } from './support/containers.js';
import { FOSTER, Home } from './support/foster.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/** Containers of the machine's root. Their root is not he, but has what he shows it. */
const home = new Home();
const containers = new Containers(home);
const { shared } = home;
const ownNamespace = readlinkSync('/proc/self/ns/user');

const file = (name: string) => join(shared, name);
const owner = (path: string) => {
  const { uid, gid } = statSync(path);
  return `${uid}:${gid}`;
};

/** The output of a shell in a container. It must succeed without warnings. */
function out(script: string, flags: string[] = [], root = 'busybox'): string {
  const { status, stdout, stderr } = home.run(['--rm', ...flags, root, 'sh', '-ec', script]);
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout;
}

const mapOf = (flags: string[]) =>
  out('cat /proc/self/uid_map', flags).split(/\s+/).filter(Boolean).map(Number);

chmodSync(shared, 0o755);
writeFileSync(file('secret'), 'of root\n', { mode: 0o600 });
writeFileSync(file('web'), 'of 33\n', { mode: 0o600 });
chownSync(file('web'), 33, 33);
/** A directory to be ROOT: busybox's, every file root's, some shut to all others. */
const tree = join(home.folder, 'tree');
out('cp -a /bin /etc /home /tmp /usr /t', ['-v', `${makeDirectory(tree)}:/t`]);
chmodSync(join(tree, 'etc/group'), 0o600);

function makeDirectory(path: string): string {
  mkdirSync(path);
  return path;
}

test("root in the container is not the host's, each time the same stranger", () => {
  const [inside, outside = 0, size] = mapOf([]);
  assert.deepEqual([inside, size], [0, 65_536]);
  assert.ok(outside > 0);
  assert.deepEqual(mapOf([]), [0, outside, 65_536]);
  assert.deepEqual(mapOf(['--userns', 'auto']), [0, outside, 65_536]);
  containers.detach('who', 'sleep 1000');
  const pid = containers.inspect('who', '{{.State.Pid}}');
  assert.match(
    readFileSync(`/proc/${pid}/status`, 'utf8'),
    new RegExp(`^Uid:\t${outside}\t${outside}\t`, 'm'),
  );
  assert.equal(containers.ok('exec', 'who', 'id', '-u'), '0\n');
  containers.ok('rm', '-f', 'who');
});

test("--userns keep-id and host: root inside is the host's root", () => {
  const script =
    'cat /proc/self/uid_map; readlink /proc/self/ns/user; touch /s/by-$0; stat -c %u:%g /s/secret';
  const kept = home.run([
    '--rm',
    '--userns',
    'keep-id',
    '-v',
    `${shared}:/s`,
    'busybox',
    'sh',
    '-ec',
    script,
    'keep',
  ]);
  const [map = '', namespace, seen] = kept.stdout.split('\n');
  assert.deepEqual(map.trim().split(/\s+/), ['0', '0', '4294967295']);
  assert.notEqual(namespace, ownNamespace);
  assert.equal(seen, '0:0');
  const host = home.run([
    '--rm',
    '--userns',
    'host',
    '-v',
    `${shared}:/s`,
    'busybox',
    'sh',
    '-ec',
    script,
    'host',
  ]);
  assert.equal(host.stdout.split('\n')[1], ownNamespace);
  assert.deepEqual([owner(file('by-keep')), owner(file('by-host'))], ['0:0', '0:0']);
});

/** Each prints a line if it succeeds in reaching the host. None changes anything then. */
const GRIPS: Record<string, string> = {
  core_pattern: ': >> /proc/sys/kernel/core_pattern',
  drop_caches: ': >> /proc/sys/vm/drop_caches',
  sysrq: ': >> /proc/sysrq-trigger',
  uevent_helper: ': >> /sys/kernel/uevent_helper || : >> /sys/kernel/mm/ksm/run',
  device: 'mknod /tmp/device c 1 5',
  'process of the host': 'kill -0 $(cat /host/pid)',
};

function grips(flags: string[]): string[] {
  const tries = Object.entries(GRIPS).map(
    ([name, grip]) => `if (${grip}) 2>/dev/null; then echo ${name}; fi`,
  );
  const remount =
    'mount -o remount,rw,bind /proc/sys; mount -o remount,rw /sys; umount /proc/sys; umount /proc/sysrq-trigger';
  const script = `(${remount}) 2>/dev/null || true; ${tries.join('; ')}; true`;
  writeFileSync(file('pid'), String(process.pid));
  return out(script, [...flags, '-v', `${shared}:/host:ro`])
    .split('\n')
    .filter(Boolean);
}

test('nothing of the host can be changed, whatever rights the container has', () => {
  for (const flags of [[], ['--cap-add', 'SYS_ADMIN'], ['--cap-add', 'ALL'], ['--privileged']]) {
    for (const shares of [
      [],
      ['--network', 'host'],
      ['--pid', 'host'],
      ['--network', 'host', '--pid', 'host'],
    ])
      assert.deepEqual(grips([...flags, ...shares]), [], [...flags, ...shares].join(' '));
  }
});

test("that is because of the ids: the same attempts as the host's root succeed", () => {
  for (const mode of ['keep-id', 'host']) assert.deepEqual(grips(['--userns', mode]), [], mode);
  assert.deepEqual(grips(['--userns', 'keep-id', '--pid', 'host']), ['process of the host']);
  const kept = grips(['--userns', 'keep-id', '--privileged']);
  assert.ok(kept.includes('core_pattern') && kept.includes('drop_caches'), kept.join());
  assert.ok(!kept.includes('device'), kept.join());
  const host = grips(['--userns', 'host', '--privileged', '--pid', 'host']);
  for (const name of ['core_pattern', 'device', 'process of the host']) assert.ok(host.includes(name), name);
});

test("--sysctl: what belongs to a namespace of the container's, and only there", () => {
  const before = readFileSync('/proc/sys/kernel/msgmax', 'utf8');
  const flags = ['--sysctl', 'kernel.msgmax=1234', '--sysctl', 'net.ipv4.ip_unprivileged_port_start=7'];
  const read = 'cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_unprivileged_port_start';
  assert.equal(out(read, flags), '1234\n7\n');
  assert.equal(readFileSync('/proc/sys/kernel/msgmax', 'utf8'), before);
});

test("volumes: files of the host's root belong to root, and root's files to the host's root", () => {
  const script =
    'cat /s/secret; stat -c %u:%g /s/secret /s/web; echo new >/s/made; chown 33:33 /s/made; touch /s/mine';
  assert.equal(out(script, ['-v', `${shared}:/s`]), 'of root\n0:0\n33:33\n');
  assert.deepEqual([owner(file('made')), owner(file('mine'))], ['33:33', '0:0']);
  assert.equal(out('cat /s/web', ['-u', '33', '-v', `${shared}:/s`]), 'of 33\n');
  assert.equal(home.shell('cat /s/secret', ['-u', '33', '-v', `${shared}:/s`]).status, 1);
});

test('volumes: read-only, single files, --mount, without what is mounted below', () => {
  const mounted = `type=bind,src=${shared},dst=/s,readonly`;
  assert.equal(out('cat /s/secret; ! touch /s/x 2>/dev/null', ['--mount', mounted]), 'of root\n');
  assert.equal(
    out('cat /etc/one; ! (echo >/etc/one) 2>/dev/null', ['-v', `${file('secret')}:/etc/one:ro`]),
    'of root\n',
  );
  out('echo more >>/one', ['-v', `${file('secret')}:/one`]);
  assert.equal(readFileSync(file('secret'), 'utf8'), 'of root\nmore\n');
  writeFileSync(file('secret'), 'of root\n');

  const outer = makeDirectory(join(home.folder, 'outer'));
  const inner = makeDirectory(join(outer, 'inner'));
  execFileSync('mount', ['-t', 'tmpfs', 'foster-root-user', inner]);
  try {
    writeFileSync(join(inner, 'deep'), 'deep\n', { mode: 0o600 });
    assert.equal(out('cat /o/inner/deep; stat -c %u /o/inner/deep', ['-v', `${outer}:/o`]), 'deep\n0\n');
    assert.equal(out('ls /o/inner', ['-v', `${outer}:/o:bind`]), '');
  } finally {
    execFileSync('umount', ['-l', inner]);
  }
});

test('volumes: devices do not work, unless requested', () => {
  const device = file('zero');
  execFileSync('mknod', [device, 'c', '1', '5']);
  const read = 'head -c 3 /s/zero | wc -c';
  const hidden = home.shell(read, ['-v', `${shared}:/s`]);
  assert.match(hidden.stderr, /permission denied/i);
  assert.equal(out(read, ['-v', `${shared}:/s:dev`]), '3\n');
  rmSync(device);
});

const CANNOT =
  /^foster: warning: the files of [^\n]* belong to nobody in the container, because their file system does not support idmapped mounts; with --userns keep-id, [^\n]*\n$/;

test('a file system without idmapped mounts is mounted as it is, with one warning', async () => {
  const flags = ['-v', '/sys/kernel:/k', '-v', `${shared}:/s`];
  const script = 'stat -c %u /k /s/secret';
  const { status, stdout, stderr } = home.shell(script, flags);
  assert.deepEqual([stdout, status], ['65534\n0\n', 0]);
  assert.match(stderr, CANNOT);
  assert.match(stderr, /files of \/sys\/kernel belong/);
  const detached = home.run(['-d', '--name', 'unshifted', ...flags, 'busybox', 'sh', '-c', script]);
  assert.equal(detached.stderr, stderr);
  assert.equal(await containers.logs('unshifted', /\d\n\d/), '65534\n0\n');
  await containers.waitFor('unshifted', 'exited');
  assert.equal(home.foster(['start', 'unshifted']).stderr, stderr);
  containers.ok('rm', '-f', 'unshifted');
  // what is mounted below, only
  const deep = home.shell('stat -c %u /sys-of-host /sys-of-host/kernel /s/secret', [
    '-v',
    '/:/all',
    ...flags.slice(2),
  ]);
  assert.match(deep.stderr, /files of what is mounted below \/ belong/);
  const whole = home.shell('cat /all/etc/hostname >/dev/null; stat -c %u /all /all/proc', ['-v', '/:/all']);
  assert.equal(whole.stdout, '0\n65534\n');
});

test('idmap: the files of a volume have the ids on the host that the container sees', () => {
  const data = (name: string) => containers.ok('volume', 'inspect', '-f', '{{.Mountpoint}}', name).trim();
  const script =
    'stat -c %u:%g /data /data/web || true; touch /data/mine; touch /data/web; chown 33:33 /data/web';
  for (const [name, flags] of [
    ['mapped', ['-v', 'mapped:/data:idmap']],
    ['mounted', ['--mount', 'type=volume,src=mounted,dst=/data,idmap=true']],
  ] as const) {
    assert.match(home.shell(script, [...flags]).stdout, /^0:0\n/);
    assert.equal(owner(data(name)), '0:0');
    assert.equal(owner(join(data(name), 'mine')), '0:0');
    assert.equal(owner(join(data(name), 'web')), '33:33');
    assert.equal(out('stat -c %u:%g /data/mine /data/web', ['--userns', 'auto', ...flags]), '0:0\n33:33\n');
    const borrowed = ['--volumes-from', containers.ok('create', '--name', name, ...flags, 'busybox').trim()];
    assert.equal(out('stat -c %u:%g /data/web', borrowed), '33:33\n');
    containers.ok('rm', name);
  }
  containers.ok('volume', 'rm', 'mapped', 'mounted');
});

test("idmap: a new volume gets the image's files with their owners in the image", () => {
  const built = join(home.folder, 'idmap');
  mkdirSync(built);
  const lines = [FROM, 'RUN mkdir /full && echo x > /full/web && chown -R 33:33 /full'];
  writeFileSync(join(built, 'Dockerfile'), lines.join('\n'));
  containers.ok('build', '-q', '--network', 'none', '-t', 'full', built);
  assert.equal(out('stat -c %u:%g /full /full/web', ['-v', 'full:/full:idmap'], 'full'), '33:33\n33:33\n');
  const data = containers.ok('volume', 'inspect', '-f', '{{.Mountpoint}}', 'full').trim();
  assert.deepEqual([owner(data), owner(join(data, 'web'))], ['33:33', '33:33']);
  containers.ok('volume', 'rm', 'full');
});

test('idmap: where it is impossible, it is an error with the reason', () => {
  const { status, stdout, stderr } = home.shell('true', ['-v', '/sys/kernel:/k:idmap']);
  assert.deepEqual([status, stdout], [125, '']);
  assert.match(
    stderr,
    /^foster: cannot take \/sys\/kernel from the host, to mount it at \/k: .*; its file system does not support idmapped mounts; leave idmap out\n$/,
  );
  const host = home.shell('true', ['--userns', 'host', '-v', `${shared}:/s:idmap`]);
  assert.equal(host.status, 125);
  assert.match(host.stderr, /^foster: cannot use idmap for \/s: the container has no user namespace/);
  assert.equal(out('cat /s/secret; stat -c %u /s/web', ['-v', `${shared}:/s:idmap`]), 'of root\n33\n');
  const folder = makeDirectory(join(shared, 'bundle'));
  containers.ok('spec', '-b', folder);
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  const { hostID } = config.linux.uidMappings[0];
  chownSync(makeDirectory(join(folder, 'rootfs')), hostID, hostID);
  config.process.terminal = false;
  config.mounts.push({
    destination: '/k',
    source: '/sys/kernel',
    type: 'bind',
    options: ['rbind', 'ridmap'],
  });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const ofBundle = home.run(['--rm', '--bundle', folder]);
  assert.equal(ofBundle.status, 125);
  assert.match(ofBundle.stderr, /cannot take \/sys\/kernel from the host.* does not support idmapped mounts/);
});

test('in the background, at each start', async () => {
  const script = 'cat /s/secret; stat -c %u:%g /s/secret; echo run >>/s/runs; exit 3';
  containers.detach('again', script, ['--restart', 'on-failure:2', '-v', `${shared}:/s`, '-v', '/vol']);
  await containers.waitFor('again', 'exited');
  assert.equal(containers.log('again'), 'of root\n0:0\n'.repeat(3));
  assert.equal(readFileSync(file('runs'), 'utf8'), 'run\n'.repeat(3));
  assert.equal(owner(file('runs')), '0:0');
  assert.equal(containers.ok('start', 'again'), 'again\n');
  await waitUntil('it has run again', () => readFileSync(file('runs'), 'utf8').length > 12);
  containers.ok('rm', '-f', 'again');
});

test('a volume that is missing at the next start', () => {
  const gone = makeDirectory(join(home.folder, 'gone'));
  containers.ok('create', '--name', 'late', '-v', `${gone}:/g`, 'busybox', 'true');
  rmSync(gone, { recursive: true });
  const { status, stderr } = home.foster(['start', 'late']);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^foster: cannot take .*\/gone from the host, to mount it at \/g: no such file .*\(ENOENT\)\n$/,
  );
  containers.ok('rm', 'late');
});

test('a container that joins another has its volumes with the same ids', async () => {
  containers.detach('first', 'sleep 1000');
  const flags = ['--pid', 'container:first', '-v', `${shared}:/s`];
  const script = 'stat -c %u:%g /s/secret; cat /s/secret; touch /s/joined';
  assert.equal(out(script, flags), '0:0\nof root\n');
  assert.equal(owner(file('joined')), '0:0');
  containers.detach('second', `${script}2`, flags);
  assert.equal(await containers.logs('second', 'of root'), '0:0\nof root\n');
  containers.ok('rm', '-f', 'first', 'second');

  containers.detach('open', 'sleep 1000', ['--userns', 'host']);
  assert.equal(out('readlink /proc/self/ns/user', ['--pid', 'container:open']), `${ownNamespace}\n`);
  containers.ok('rm', '-f', 'open');
});

test("a directory as ROOT: its files are the container's, and stay as they are", () => {
  assert.equal(
    out('stat -c %u:%g / /etc/group; grep -c root /etc/group; rm /bin/vi; echo >>/etc/group', [], tree),
    '0:0\n0:0\n1\n',
  );
  assert.ok(existsSync(join(tree, 'bin/vi')) || readlinkSync(join(tree, 'bin/vi')));
  assert.match(readFileSync(join(tree, 'etc/group'), 'utf8'), /\S\n$/);
  const kept = out('stat -c %u /etc/group', ['--userns', 'keep-id'], tree);
  assert.equal(kept, '0\n');
  const refused = home.run(['--rm', '/sys/kernel', 'true']);
  assert.equal(refused.status, 125);
  assert.match(
    refused.stderr,
    /^foster: cannot use \/sys\/kernel as the root filesystem: .*--userns keep-id/,
  );
});

test('PID 1 keeps no descriptor of a directory that it received', () => {
  containers.ok('run', '-d', '--name', 'held', '-v', `${shared}:/s`, tree, 'sleep', '1000');
  const pid = containers.inspect('held', '{{.State.Pid}}');
  const open = execFileSync('ls', ['-l', `/proc/${pid}/fd`], { encoding: 'utf8' });
  assert.doesNotMatch(open, new RegExp(`-> (/(?!proc|dev/null)|${home.folder})`, 'm'), open);
  containers.ok('rm', '-f', 'held');
});

test('export, commit, diff and cp of such a container', () => {
  const { status } = home.run([
    '--name',
    'made',
    '-v',
    `${shared}:/s`,
    tree,
    'sh',
    '-c',
    'chown 7 /etc/passwd; rm /bin/vi',
  ]);
  assert.equal(status, 0);
  assert.equal(containers.ok('diff', 'made'), 'C /bin\nD /bin/vi\nC /etc\nC /etc/passwd\n');
  const list = (archive: string) =>
    execFileSync('tar', ['-tvf', archive, '--numeric-owner'], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/\s+/)[1]);
  const archive = join(home.folder, 'out.tar');
  containers.ok('export', '-o', archive, 'made');
  assert.deepEqual([...new Set(list(archive))].sort(), ['0/0', '7/0']);
  containers.ok('commit', 'made', 'committed:1');
  assert.equal(out('stat -c %u / /bin /etc/group /etc/passwd', [], 'committed:1'), '0\n0\n0\n7\n');

  // from the layer below, from a volume; into both
  containers.ok('cp', 'made:/etc/group', join(home.folder, 'group'));
  assert.equal(
    readFileSync(join(home.folder, 'group'), 'utf8'),
    readFileSync(join(tree, 'etc/group'), 'utf8'),
  );
  containers.ok('cp', 'made:/s/web', join(home.folder, 'web'));
  assert.equal(readFileSync(join(home.folder, 'web'), 'utf8'), 'of 33\n');
  writeFileSync(join(home.folder, 'new'), 'new\n');
  containers.ok('cp', join(home.folder, 'new'), 'made:/s/copied');
  assert.equal(owner(file('copied')), '0:0');
  containers.ok('cp', join(home.folder, 'new'), 'made:/etc/copied');
  containers.ok('cp', 'made:/etc/copied', join(home.folder, 'back'));
  assert.equal(readFileSync(join(home.folder, 'back'), 'utf8'), 'new\n');
  containers.ok('rm', 'made');
  containers.ok('rmi', 'committed:1');
});

test('cp of a stopped container with many volumes', () => {
  const volumes = (count: number) =>
    Array.from({ length: count }, (_, index) => ['-v', `${shared}:/v/${index}`]).flat();
  containers.ok('create', '--name', 'full', ...volumes(20), 'busybox', 'true');
  containers.ok('cp', 'full:/v/19/secret', join(home.folder, 'secret'));
  assert.equal(readFileSync(join(home.folder, 'secret'), 'utf8'), 'of root\n');
  containers.ok('rm', 'full');
  containers.ok('create', '--name', 'full', ...volumes(21), 'busybox', 'true');
  const { status, stderr } = home.foster(['cp', 'full:/v/0/secret', join(home.folder, 'secret')]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^foster: cannot copy from or to container full: it has 21 volumes, .*start it first: foster start full\n$/,
  );
  containers.ok('rm', 'full');
  // a container itself has as many as it likes
  assert.equal(out('cat /v/299/secret', volumes(300)), 'of root\n');
});

test('without an overlay', () => {
  const copy = (...args: string[]) => home.foster(['--storage-driver', 'copy', 'run', '--rm', ...args]);
  const script = 'stat -c %u / /etc/group /s/secret; touch /x; stat -c %u /x';
  for (const root of ['busybox', tree]) {
    const { status, stdout, stderr } = copy('-v', `${shared}:/s`, root, 'sh', '-ec', script);
    assert.deepEqual([stderr, stdout, status], ['', '0\n0\n0\n0\n', 0], root);
  }
});

test('builds: steps, caches, files of the context and secrets', () => {
  const context = makeDirectory(join(home.folder, 'context'));
  const dockerfile = [
    FROM,
    'RUN touch /made && chown 7:8 /made && test "$(stat -c %u /)" = 0',
    'COPY file /file',
    'COPY --chown=33:34 file /given',
    'RUN --mount=type=cache,target=/cache test "$(stat -c %u /cache)" = 0 && date >>/cache/runs && wc -l </cache/runs >/count',
    'RUN --mount=type=cache,uid=7,target=/other test "$(stat -c %u /other)" = 7 && touch /other/x',
    'RUN --mount=type=bind,target=/context test "$(stat -c %u /context/file)" = 0',
    'RUN --mount=type=secret,id=key test "$(cat /run/secrets/key)" = hidden',
    'USER 33',
    'RUN test "$(id -u)" = 33',
    'VOLUME /kept',
  ];
  writeFileSync(join(context, 'Dockerfile'), dockerfile.join('\n'));
  writeFileSync(join(context, 'file'), 'file\n');
  writeFileSync(join(home.folder, 'key'), 'hidden\n');
  const build = ['build', '-q', '-t', 'app:1', '--secret', `id=key,src=${join(home.folder, 'key')}`];
  containers.ok(...build, context);
  assert.equal(
    out('stat -c %u:%g / /made /file /given /kept; cat /count', [], 'app:1'),
    '0:0\n7:8\n0:0\n33:34\n0:0\n1\n',
  );
  containers.ok(...build, '--no-cache', context);
  assert.equal(out('cat /count', [], 'app:1'), '2\n');
  containers.ok('rmi', 'app:1');
});

test("capabilities of a program are the image's, and no file on the host gets them", () => {
  const capability = 'security.capability';
  const context = makeDirectory(join(home.folder, 'capable'));
  const host = makeDirectory(join(home.folder, 'of-host'));
  writeFileSync(join(context, 'Dockerfile'), `${FROM}\nCOPY program /\n`);
  writeFileSync(join(context, 'program'), '');
  // VFS_CAP_REVISION_2, effective; CAP_NET_RAW
  const value = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  setExtendedAttribute(join(context, 'program'), capability, value);
  containers.ok('build', '-q', '-t', 'capable', '-o', join(host, 'built'), context);
  containers.ok('create', '--name', 'capable', 'capable');
  containers.ok('cp', 'capable:/program', join(host, 'copied'));
  for (const name of ['built/program', 'copied'])
    assert.equal(getExtendedAttribute(join(host, name), capability), undefined, name);
  containers.ok('cp', '-a', 'capable:/program', join(host, 'same'));
  assert.deepEqual(getExtendedAttribute(join(host, 'same'), capability), value);
  containers.ok('rm', 'capable');
  containers.ok('rmi', 'capable');
});

test('foster unshare shows all ids unchanged, and foster mount does not need it', () => {
  const { stdout } = home.foster([
    'unshare',
    'sh',
    '-c',
    'cat /proc/self/uid_map; stat -c %u:%g "$0"',
    file('web'),
  ]);
  assert.match(stdout, /^ +0 +0 +4294967295\n33:33\n$/);
  containers.ok('create', '--name', 'seen', 'busybox', 'true');
  const place = containers.ok('mount', 'seen').trim();
  assert.ok(existsSync(join(place, 'bin/busybox')));
  containers.ok('umount', 'seen');
  containers.ok('rm', 'seen');
});

test('nothing is left behind', async () => {
  await home.assertNothingLeft();
});

after(() => {
  for (const name of [
    'who',
    'unshifted',
    'again',
    'late',
    'first',
    'second',
    'open',
    'held',
    'made',
    'full',
    'seen',
  ])
    home.foster(['rm', '-f', name]);
});

/** Runs a script in a mount namespace with a shared mount, as most mounts are on a machine with systemd. */
function besideSharedMount(script: string): string {
  const top = file('propagation');
  mkdirSync(join(top, 'below'), { recursive: true });
  const whole = `top=${top}; mount --bind $top $top && mount --make-shared $top; ${script}`;
  const env = { ...home.env, PATH: `${dirname(FOSTER)}:${process.env.PATH}` };
  return execFileSync('unshare', ['--mount', 'sh', '-c', whole], {
    env,
    encoding: 'utf8',
    timeout: DEADLINE,
  });
}

for (const userns of ['default', 'keep-id', 'host'])
  test(`bind propagation with --userns ${userns}: what the host mounts later`, () => {
    const output = besideSharedMount(`
      for how in rslave rprivate rshared; do
        foster run -d --name $how --userns ${userns} -v $top:/p:$how busybox sleep 1000 > /dev/null
      done
      mount -t tmpfs late $top/below && touch $top/below/late
      for how in rslave rprivate rshared; do echo $how: $(foster exec $how ls /p/below); done
      foster rm -f rslave rprivate rshared > /dev/null`);
    assert.equal(output, 'rslave: late\nrprivate:\nrshared: late\n');
  });

test('what a container mounts in a mount of the host appears in the container only', () => {
  const script = 'mount -t tmpfs evil /p/below && touch /p/below/evil && ls /p/below';
  for (const userns of ['default', 'keep-id'])
    for (const how of ['rprivate', 'rslave']) {
      const flags = `--cap-add SYS_ADMIN --security-opt seccomp=unconfined --userns ${userns} -v $top:/p:${how}`;
      const output = besideSharedMount(`
        foster run -d --name one ${flags} busybox sleep 1000 > /dev/null
        foster exec one sh -c '${script}'
        ls $top/below
        foster rm -f one > /dev/null`);
      assert.equal(output, 'evil\n', `${userns} ${how}`);
    }
});

test('what a container has written is removed without Node, too, whoever it belongs to', () => {
  const script = 'mkdir /d; touch /d/f; chown -R 5:5 /d; chmod 0 /d';
  assert.equal(home.run(['--name', 'ended', 'busybox', 'sh', '-ec', script]).status, 0);
  containers.detach('alive', `${script}; exec sleep 1000`);
  const { status, stdout, stderr } = home.foster(['rm', '-f', 'ended', 'alive'], {
    env: { PATH: '/nonexistent' },
  });
  assert.deepEqual([status, stdout.split('\n').sort(), stderr], [0, ['', 'alive', 'ended'], '']);
  assert.deepEqual(home.leftFolders(), []);
});
