import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** Volumes with and without a name: in containers, and as things of their own. */
const home = new Home();
const containers = new Containers(home);
const ok = (...args: string[]) => containers.ok(...args);
const place = (name: string) => join(home.shared, name);

/** Runs a script in a container, and returns what it prints. */
function inside(script: string, ...flags: string[]): string {
  const { status, stdout, stderr } = home.shell(script, flags);
  assert.deepEqual([stderr, status], ['', 0], `${flags.join(' ')}: ${script}`);
  return stdout;
}

function fails(args: string[], expected: RegExp, status = 1): void {
  const result = home.foster(args);
  assert.match(result.stderr, expected, args.join(' '));
  assert.equal(result.status, status, `${args.join(' ')}: ${result.stderr}`);
}

const volumes = () => ok('volume', 'ls', '-q').split('\n').filter(Boolean);
const stored = () => {
  const folder = join(home.folder, 'data/foster/volumes');
  return existsSync(folder) ? readdirSync(folder).sort() : [];
};

afterEach(() => {
  containers.removeAll();
  ok('volume', 'prune', '--all', '--force');
  assert.deepEqual(stored(), []);
});

test('a named volume outlives its containers, and is what several share', () => {
  inside('echo one > /data/file; chown 5:6 /data/file; chmod 640 /data/file', '-v', 'data:/data');
  assert.equal(inside('cat /d/file; stat -c "%u:%g %a" /d/file', '-v', 'data:/d:ro'), 'one\n5:6 640\n');
  assert.match(home.shell('touch /d/x', ['-v', 'data:/d:ro']).stderr, /Read-only file system/);
  containers.detach('first', 'sleep 1000', ['-v', 'data:/data']);
  containers.detach('second', 'sleep 1000', ['--mount', 'type=volume,src=data,dst=/data,readonly']);
  ok('exec', 'first', 'sh', '-c', 'echo two >> /data/file');
  assert.equal(ok('exec', 'second', 'cat', '/data/file'), 'one\ntwo\n');
  assert.deepEqual(volumes(), ['data']);
});

test('a new volume gets what the image has there, with owners and modes; nocopy leaves it empty', () => {
  // what foster makes there is not the image's
  const list = 'ls /etc | grep -v -e host -e resolv -e mtab; stat -c "%u:%g %a" /etc';
  const own = inside(list);
  assert.equal(inside(list, '-v', 'etc:/etc'), own);
  inside('rm /etc/group; echo mine > /etc/mine', '-v', 'etc:/etc');
  assert.match(inside('ls /etc', '-v', 'etc:/etc'), /mine/);
  assert.doesNotMatch(inside('ls /etc', '-v', 'etc:/etc'), /group/);
  assert.equal(inside('ls -A /etc', '-v', 'empty:/etc:nocopy'), '');
  assert.equal(inside('ls -A /etc', '--mount', 'type=volume,src=empty2,dst=/etc,volume-nocopy'), '');
  assert.equal(inside('stat -c "%u:%g %a" /new', '-v', 'new:/new'), '0:0 755\n');
});

test('a volume that a container uses already is not filled by another one', () => {
  containers.detach('user', 'sleep 1000', ['-v', 'data:/nothing']);
  assert.equal(inside('ls -A /etc', '-v', 'data:/etc'), '');
  ok('exec', 'user', 'touch', '/nothing/here');
  assert.equal(inside('ls -A /etc', '-v', 'data:/etc'), 'here\n');
});

for (const userns of ['auto', 'keep-id'])
  test(`a new volume of a container with --userns ${userns} belongs to its root`, () => {
    assert.equal(
      inside('stat -c "%u:%g" /etc /etc/passwd', '-u', '0', '--userns', userns, '-v', 'data:/etc'),
      '0:0\n0:0\n',
    );
    assert.equal(
      inside('stat -c %u /x; touch /x/y', '-u', '0', '--userns', userns, '-v', 'empty:/x:nocopy'),
      '0\n',
    );
  });

test('with the storage driver copy, volumes are filled, too', () => {
  home.env.FOSTER_STORAGE_DRIVER = 'copy';
  assert.match(inside('ls /etc', '-v', 'etc:/etc', '-v', '/var'), /passwd/);
  delete home.env.FOSTER_STORAGE_DRIVER;
});

test('U gives the files to the user of the container; nothing outside the volume changes', () => {
  inside('touch /v/a; mkdir /v/b; touch /v/b/c; ln -s /etc/passwd /v/link; chown 0:0 /v/a', '-v', 'data:/v');
  const script = 'stat -c "%u:%g" /v /v/a /v/b/c; stat -c %u /etc/passwd; touch /v/mine';
  assert.equal(inside(script, '-u', '33:34', '-v', 'data:/v:U'), '33:34\n33:34\n33:34\n0\n');
  assert.equal(inside('stat -c %u /v/b/c', '-v', 'data:/v'), '33\n');
  assert.equal(inside('stat -c %u /v/b/c', '--userns', 'auto', '--mount', 'src=data,dst=/v,U'), '0\n');
});

test('inspect, ps and the filter volume= know them', () => {
  containers.detach('user', 'sleep 1000', [
    '-v',
    'data:/data:ro',
    '-v',
    '/anonymous',
    '-v',
    `${home.shared}:/host`,
  ]);
  const mounts = JSON.parse(containers.inspect('user', '{{json .Mounts}}')) as Record<string, unknown>[];
  assert.deepEqual(
    mounts.map(({ Type, Driver, Destination, RW }) => [Type, Driver, Destination, RW]),
    [
      ['volume', 'local', '/data', false],
      ['volume', 'local', '/anonymous', true],
      ['bind', undefined, '/host', true],
    ],
  );
  assert.equal(mounts[0]?.Name, 'data');
  assert.equal(mounts[0]?.Source, ok('volume', 'inspect', '-f', '{{.Mountpoint}}', 'data').trim());
  assert.match(String(mounts[1]?.Name), /^[0-9a-f]{64}$/);
  assert.equal(containers.inspect('user', '{{json .Config.Volumes}}'), '{"/anonymous":{}}');
  assert.equal(ok('ps', '-f', 'volume=data', '--format', '{{.Names}} {{.LocalVolumes}}'), 'user 2\n');
  assert.equal(ok('ps', '-f', 'volume=/anonymous', '--format', '{{.Names}}'), 'user\n');
  assert.equal(ok('ps', '-f', 'volume=other', '-q'), '');
  assert.match(ok('ps', '--format', '{{.Mounts}}'), /^data,[0-9a-f]{64},/);
});

test('anonymous volumes: rm keeps them, rm -v and --rm remove them, prune removes those that are left', async () => {
  ok('create', '--name', 'kept', '-v', '/a', 'busybox', 'true');
  const [name = ''] = volumes();
  assert.match(name, /^[0-9a-f]{64}$/);
  ok('rm', 'kept');
  assert.deepEqual(volumes(), [name]);
  ok('create', '--name', 'whole', '-v', '/a', '-v', 'named:/n', 'busybox', 'true');
  ok('rm', '-v', 'whole');
  assert.deepEqual(volumes(), [name, 'named'].sort());
  inside('mkdir /a/d; touch /a/d/f; chown -R 5:5 /a/d; chmod 700 /a/d', '-v', '/a');
  assert.deepEqual(volumes(), [name, 'named'].sort());
  containers.detach('gone', 'touch /a/f; chown 7 /a/f; sleep 1000', ['--rm', '-v', '/a']);
  assert.equal(volumes().length, 3);
  ok('kill', 'gone');
  await waitUntil('the volume goes with its container', () => volumes().length === 2);
  assert.match(ok('volume', 'prune', '-f'), new RegExp(`^Deleted Volumes:\n${name}\n`));
  assert.deepEqual(volumes(), ['named']);
});

test('--volumes-from: volumes and bind mounts of others, not at places that are taken', () => {
  writeFileSync(place('file'), 'of the host\n');
  const flags = [
    '-v',
    'data:/data',
    '-v',
    '/anonymous',
    '-v',
    `${place('file')}:/file:ro`,
    '--tmpfs',
    '/memory',
  ];
  containers.detach('source', 'echo x > /data/x; echo y > /anonymous/y; sleep 1000', flags);
  ok('exec', 'source', 'sh', '-c', 'until [ -e /anonymous/y ]; do sleep 0.01; done');
  const script = 'cat /data/x /anonymous/y /file; grep -c " /memory " /proc/mounts; touch /anonymous/z';
  const { stdout, stderr } = home.shell(script, ['--volumes-from', 'source']);
  assert.deepEqual([stdout, stderr], ['x\ny\nof the host\n0\n', '']);
  assert.match(home.shell('echo > /file', ['--volumes-from', 'source']).stderr, /Read-only file system/);
  assert.match(home.shell('touch /data/x', ['--volumes-from', 'source:ro']).stderr, /Read-only file system/);
  assert.equal(inside('ls -A /data', '--volumes-from', 'source', '-v', 'other:/data'), '');
  ok('create', '--name', 'third', '--volumes-from', 'source:ro', 'busybox', 'true');
  assert.equal(containers.inspect('third', '{{json .HostConfig.VolumesFrom}}'), '["source:ro"]');
  fails(['run', '--rm', '--volumes-from', 'nobody', 'busybox', 'true'], /no such container: nobody/, 125);
});

test('an anonymous volume that another container uses stays when its own container goes', async () => {
  containers.detach('own', 'echo x > /a/x; sleep 1000', ['--rm', '-v', '/a']);
  ok('exec', 'own', 'sh', '-c', 'until [ -e /a/x ]; do sleep 0.01; done');
  ok('create', '--name', 'other', '--volumes-from', 'own', 'busybox', 'cat', '/a/x');
  ok('kill', 'own');
  await waitUntil('the container is gone', () => ok('ps', '-aq').split('\n').filter(Boolean).length === 1);
  assert.equal(ok('start', '--attach', 'other'), 'x\n');
  assert.equal(volumes().length, 1);
  ok('rm', '-v', 'other');
  assert.deepEqual(volumes(), []);
});

test('volume-subpath: a part of a volume, also one that only a user of the container may enter', () => {
  const make =
    'mkdir -p /v/a/b /v/private/in; echo x > /v/a/b/file; chown 70 /v/private; chmod 700 /v/private';
  inside(`${make}; ln -s /etc /v/etc; ln -s ../../.. /v/a/up; ln -s b /v/a/link`, '-v', 'data:/v');
  const flags = (path: string) => ['--mount', `type=volume,src=data,dst=/s,volume-subpath=${path}`];
  assert.equal(inside('ls /s; touch /s/new', ...flags('a/b')), 'file\n');
  assert.equal(inside('cat /s', ...flags('a/b/file')), 'x\n');
  assert.equal(inside('ls /v/a/b', '-v', 'data:/v'), 'file\nnew\n');
  assert.equal(inside('ls -A /s', ...flags('private/in')), '');
  for (const link of ['etc', 'a/up', 'a/up/etc', 'a/link'])
    fails(['run', '--rm', ...flags(link), 'busybox', 'true'], /links there are not followed/, 125);
  fails(
    ['run', '--rm', ...flags('no'), 'busybox', 'true'],
    /cannot mount no of volume data at \/s: no such file/,
    125,
  );
  fails(['run', '--rm', ...flags('a/../..'), 'busybox', 'true'], /without \.\./, 125);
  assert.equal(ok('ps', '-aq'), '');
});

test('a subpath that a container replaces by a link between two starts is not followed', () => {
  inside('mkdir /v/sub', '-v', 'data:/v');
  ok(
    'create',
    '--name',
    'victim',
    '--mount',
    'type=volume,src=data,dst=/s,volume-subpath=sub',
    'busybox',
    'ls',
    '/s',
  );
  ok('start', '--attach', 'victim');
  inside('rmdir /v/sub; ln -s / /v/sub', '-v', 'data:/v');
  fails(['start', '--attach', 'victim'], /symbolic link/, 125);
});

test('cp from a stopped container follows no link that another container has put in place of a subpath', () => {
  writeFileSync(place('secret'), 'of the host\n');
  inside('mkdir /v/sub; echo own > /v/sub/secret', '-v', 'data:/v');
  const flags = ['--mount', 'type=volume,src=data,dst=/s,volume-subpath=sub'];
  ok('create', '--name', 'victim', ...flags, 'busybox', 'true');
  ok('cp', 'victim:/s/secret', place('copied'));
  assert.equal(readFileSync(place('copied'), 'utf8'), 'own\n');
  ok('cp', place('secret'), 'victim:/s/new');
  assert.equal(inside('cat /v/sub/new', '-v', 'data:/v'), 'of the host\n');
  inside(`rm -r /v/sub; ln -s ${home.shared} /v/sub`, '-v', 'data:/v');
  const result = home.foster(['cp', 'victim:/s/secret', place('stolen')]);
  assert.match(result.stderr, /ELOOP/);
  assert.equal(result.status, 1);
  assert.ok(!existsSync(place('stolen')));
});

test('a volume in use is not removed; the error names the containers', () => {
  ok('create', '--name', 'one', '-v', 'data:/data', 'busybox', 'true');
  ok('create', '--name', 'two', '-v', 'data:/data', 'busybox', 'true');
  fails(['volume', 'rm', 'data'], /in use by containers (one, two|two, one); remove them first/);
  ok('rm', 'one');
  fails(
    ['volume', 'rm', '--force', 'data'],
    /cannot remove volume data: it is in use by container two; remove it/,
  );
  fails(['volume', 'rm', 'data', 'nosuch'], /in use by container two[\s\S]*no such volume: nosuch/);
  assert.doesNotMatch(ok('volume', 'prune', '-af'), /data/);
  ok('rm', 'two');
  assert.equal(ok('volume', 'rm', 'data'), 'data\n');
  fails(['volume', 'rm', 'data'], /no such volume: data/);
  assert.equal(home.foster(['volume', 'rm', '-f', 'data']).status, 0);
});

test('volume create, ls, inspect, exists', () => {
  assert.equal(ok('volume', 'create', '-l', 'project=shop', '--label', 'plain', 'data'), 'data\n');
  const nameless = ok('volume', 'create').trim();
  assert.match(nameless, /^[0-9a-f]{64}$/);
  ok('run', '--rm', '-v', `${nameless}:/x`, 'busybox', 'touch', '/x/file');
  assert.equal(ok('run', '--rm', '-v', `${nameless}:/x`, 'busybox', 'ls', '/x'), 'file\n', 'it stays');
  fails(['volume', 'create', 'data'], /there is a volume data already/, 125);
  assert.equal(ok('volume', 'create', '--ignore', 'data'), 'data\n');
  assert.match(ok('volume', 'ls'), /^DRIVER +VOLUME NAME\n(local +([0-9a-f]{64}|data)\n){2}$/);
  assert.equal(ok('volume', 'ls', '-q', '--filter', 'label=project=shop'), 'data\n');
  assert.equal(ok('volume', 'ls', '-q', '--filter', 'label=project=other'), '');
  assert.equal(
    ok('volume', 'ls', '-q', '-f', 'name=dat', '-f', 'driver=local', '-f', 'dangling=true'),
    'data\n',
  );
  assert.equal(ok('volume', 'ls', '-q', '-f', 'dangling=false'), '');
  const format = '{{.Name}} {{.Driver}} {{.Label "project"}} {{.Links}}';
  assert.equal(ok('volume', 'ls', '-f', 'name=^data$', '--format', format), 'data local shop 0\n');
  const lines = ok('volume', 'ls', '--format', 'json').trim().split('\n');
  assert.deepEqual(lines.map((line) => JSON.parse(line).Anonymous).sort(), [false, true]);
  const [shown] = JSON.parse(ok('volume', 'inspect', 'data')) as Record<string, unknown>[];
  assert.deepEqual(shown?.Labels, { project: 'shop', plain: '' });
  assert.ok(existsSync(String(shown?.Mountpoint)));
  assert.equal(ok('inspect', '--type', 'volume', '-f', '{{.Name}}', 'data'), 'data\n');
  assert.equal(ok('inspect', '-f', '{{.Scope}}', 'data'), 'local\n');
  assert.deepEqual(
    ['data', 'nosuch', '../volumes/data'].map((name) => home.foster(['volume', 'exists', name]).status),
    [0, 1, 1],
  );
  fails(['volume', 'inspect', 'nosuch'], /no such volume: nosuch/);
  fails(['volume', 'create', 'a/b'], /the name of a volume has/, 125);
  fails(['volume', 'create', '-d', 'nfs', 'x'], /volume driver nfs is not supported/, 125);
  fails(['volume', 'ls', '--filter', 'foo=bar'], /expected KEY=VALUE, KEY being one of/, 125);
});

test('volumes of a directory of the host, and in memory', () => {
  mkdirSync(place('folder'), { recursive: true });
  writeFileSync(place('folder/file'), 'content\n');
  ok('volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', `device=${place('folder')}`, 'bound');
  assert.equal(inside('cat /d/file; echo new > /d/made', '-v', 'bound:/d'), 'content\n');
  assert.equal(readFileSync(place('folder/made'), 'utf8'), 'new\n');
  ok('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=64k,mode=1700', 'memory');
  assert.equal(
    inside('stat -c %a /m; df /m | tail -n 1 | tr -s " " | cut -d " " -f 1,2', '-v', 'memory:/m'),
    '1700\ntmpfs 64\n',
  );
  fails(
    ['volume', 'create', '-o', 'type=nfs', '-o', 'device=:/x', 'x'],
    /mounting a file system needs root/,
    125,
  );
  fails(['volume', 'export', '-o', place('x.tar'), 'memory'], /its files are in the memory/);
  const options = 'volume-opt=type=tmpfs,volume-opt=o=size=1m,volume-label=a=b';
  assert.match(inside('df /x', '--mount', `src=made,dst=/x,${options}`), /^tmpfs/m);
  assert.equal(ok('volume', 'inspect', '-f', '{{json .Labels}}', 'made'), '{"a":"b"}\n');
  ok('volume', 'rm', 'bound');
  assert.equal(readFileSync(place('folder/file'), 'utf8'), 'content\n', 'only the volume is gone');
});

test('export and import keep owners, modes and links; a new volume has all or nothing', () => {
  const archive = place('data.tar');
  inside(
    'echo x > /v/x; mkdir /v/d; ln -s x /v/l; ln /v/x /v/hard; chown 70:71 /v /v/x; chmod 700 /v',
    '-v',
    'data:/v',
  );
  ok('volume', 'export', '-o', archive, 'data');
  const list = 'cd /v && stat -c "%n %u:%g %a %h" . x d hard && readlink l';
  const before = inside(list, '-v', 'data:/v');
  ok('volume', 'create', 'copy');
  ok('volume', 'import', 'copy', archive);
  assert.equal(inside(list, '-v', 'copy:/v'), before);
  execFileSync('gzip', ['-kf', archive]);
  ok('volume', 'create', 'zipped');
  const input = readFileSync(`${archive}.gz`);
  assert.equal(home.foster(['volume', 'import', 'zipped', '-'], { input }).status, 0);
  assert.equal(inside(list, '-v', 'zipped:/v'), before);
  ok('volume', 'create', 'broken');
  const cut = home.foster(['volume', 'import', 'broken', '-'], {
    input: readFileSync(archive).subarray(0, 1300),
  });
  assert.match(cut.stderr, /cannot import standard input into volume broken: the tar archive is truncated/);
  assert.equal(cut.status, 1);
  assert.equal(inside('ls -A /v', '-v', 'broken:/v'), '');
  fails(['volume', 'import', 'nosuch', archive], /no such volume/);
  fails(['volume', 'import', 'copy', place('nosuch.tar')], /no such file or directory/);
  fails(['volume', 'export', '-o', '/nosuch/x.tar', 'data'], /cannot write \/nosuch\/x\.tar/);
});

test('an import into a volume with files replaces those of the same name, and keeps the others', () => {
  inside(
    'mkdir -p /v/d/e; echo old > /v/d/e/f; echo old > /v/d/g; mkdir -p /v/was/deep/dir; touch /v/was/deep/f',
    '-v',
    'a:/v',
  );
  inside('mkdir -p /v/d/e; echo new > /v/d/g; echo file > /v/was', '-v', 'b:/v');
  ok('volume', 'export', '-o', place('b.tar'), 'b');
  ok('volume', 'import', 'a', place('b.tar'));
  assert.equal(inside('cat /v/d/e/f /v/d/g /v/was', '-v', 'a:/v'), 'old\nnew\nfile\n');
});

test('an archive and the links of a volume cannot lead an import out of it', () => {
  const outside = place('outside');
  mkdirSync(outside, { recursive: true });
  inside(`ln -s ${outside} /v/link; ln -s ../../../../.. /v/up`, '-v', 'data:/v');
  const script = `mkdir -p t/link t/up/tmp && echo x > t/link/evil && echo x > t/up/evil && tar -C t -cf ${place('evil.tar')} link/evil up/evil`;
  execFileSync('sh', ['-ec', script], { cwd: home.shared });
  const { status } = home.foster(['volume', 'import', 'data', place('evil.tar')]);
  assert.ok(status === 0 || status === 1);
  assert.deepEqual(readdirSync(outside), []);
  assert.ok(!existsSync(join(home.folder, 'evil')));
});

test('events, system df and system prune', () => {
  inside('dd if=/dev/zero of=/v/x bs=1k count=100 2>/dev/null', '-v', 'data:/v');
  ok('create', '--name', 'user', '-v', 'used:/u', '-v', '/a', 'busybox', 'true');
  const total = ok('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Active}}');
  assert.match(total, /^Local Volumes 3 2$/m);
  assert.match(ok('system', 'df', '--format', '{{.Type}}: {{.Total}}'), /^Local Volumes: 3$/m);
  assert.match(ok('system', 'df', '-v'), /COMMAND +LOCAL VOLUMES +SIZE.*\n.* "true" +2 +/);
  assert.match(ok('system', 'df', '-v'), /VOLUME NAME +LINKS +SIZE\n(?:.*\n)*data +0 +102kB\n/);
  ok('system', 'prune', '-f');
  assert.equal(volumes().length, 3, 'volumes are kept');
  assert.match(ok('system', 'prune', '-f', '--volumes'), /Deleted Volumes:\n[0-9a-f]{64}\n/);
  assert.deepEqual(volumes(), ['data', 'used']);
  ok('volume', 'rm', 'data');
  const events = ok(
    'events',
    '--stream=false',
    '-f',
    'type=volume',
    '-f',
    'volume=data',
    '--format',
    '{{.Type}} {{.Action}} {{.Actor.ID}}',
  );
  const all = ['create', 'mount', 'unmount', 'destroy'].map((action) => `volume ${action} data\n`);
  assert.equal(events.split('\n').slice(-5).join('\n'), all.join(''));
  assert.match(
    ok('events', '--stream=false', '-f', 'event=remove', '-f', 'volume=data'),
    / volume destroy data \(driver=local\)\n/,
  );
});

test('events of volumes at each start and end of a container', async () => {
  const flags = ['-v', 'data:/v', '--mount', 'type=volume,src=other,dst=/a b,readonly'];
  const count = 'echo >> /v/runs; test "$(wc -l < /v/runs)" -gt 1';
  const told = (id: string) =>
    ok('events', '--stream=false', '-f', 'type=volume', '-f', `container=${id}`)
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice(line.indexOf(' ') + 1));
  const mounted = (id: string) => [
    `volume mount data (container=${id}, destination=/v, driver=local, propagation=, read/write=true)`,
    `volume mount other (container=${id}, destination=/a b, driver=local, propagation=, read/write=false)`,
  ];
  const unmounted = (id: string) =>
    ['data', 'other'].map((name) => `volume unmount ${name} (container=${id}, driver=local)`);
  const once = (id: string) => [...mounted(id), ...unmounted(id)];
  const id = ok('run', '-d', '--restart', 'on-failure', ...flags, 'busybox', 'sh', '-c', count).trim();
  await waitUntil('it has run twice', () => told(id).length >= 8);
  assert.deepEqual(told(id), [...once(id), ...once(id)]);
  const script = 'cat /etc/hostname; sleep 1000';
  const running = ok('run', '-d', ...flags, 'busybox', 'sh', '-c', script).trim();
  assert.deepEqual(told(running), mounted(running));
  ok('rm', '-f', '-t', '0', running);
  assert.deepEqual(told(running), once(running));
  const foreground = join(home.shared, 'id');
  ok('run', '--rm', '--cidfile', foreground, ...flags, 'busybox', 'true');
  const other = readFileSync(foreground, 'utf8').trim();
  assert.deepEqual(told(other), once(other));
  ok('rm', id);
  assert.deepEqual(told(id), [...once(id), ...once(id)], 'also of removed containers');
});

test('what never started leaves no anonymous volume', () => {
  const { status } = home.run(['--rm', '-v', '/a', '-v', '/etc:/e:ro', 'busybox', 'nosuchcommand']);
  assert.equal(status, 127);
  assert.equal(home.run(['-v', '/a', '-v', '/usr/bin/env:/etc', 'busybox', 'true']).status, 125);
  assert.equal(home.run(['-d', '-v', '/a', '-v', '/usr/bin/env:/etc', 'busybox', 'true']).status, 125);
  assert.deepEqual(volumes(), []);
});

test('many commands at once: each volume is created once, and its files are whole', async () => {
  const results = await Promise.all(
    Array.from({ length: 6 }, () => containers.run(['volume', 'create', 'same'])),
  );
  assert.deepEqual(results.map(({ status }) => status).sort(), [0, 125, 125, 125, 125, 125]);
  const runs = await Promise.all(
    Array.from({ length: 6 }, () =>
      containers.run([
        'run',
        '--rm',
        '-v',
        'one:/etc',
        '-v',
        'two:/usr',
        'busybox',
        'sh',
        '-c',
        'ls /etc | md5sum',
      ]),
    ),
  );
  assert.deepEqual(
    runs.map(({ status, stderr }) => [status, stderr]),
    runs.map(() => [0, '']),
  );
  assert.equal(new Set(runs.map(({ stdout }) => stdout)).size, 1);
  const removals = await Promise.all(
    Array.from({ length: 4 }, () => containers.run(['volume', 'rm', 'one'])),
  );
  assert.deepEqual(removals.map(({ status }) => status).sort(), [0, 1, 1, 1]);
});

test('idmap is for root alone, as the kernel has it', () => {
  for (const source of ['data', home.shared]) {
    const { status, stdout, stderr } = home.shell('true', ['-v', `${source}:/data:idmap`]);
    assert.deepEqual([status, stdout], [125, '']);
    assert.match(stderr, /^foster: cannot use idmap for \/data: the kernel lets only root do that /);
  }
  assert.deepEqual(home.leftFolders(), []);
});
