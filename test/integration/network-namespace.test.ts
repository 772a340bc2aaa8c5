import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Home } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** `--network ns:PATH`: network namespaces that others have made. */
const home = new Home();

const made: ChildProcess[] = [];
after(() => {
  for (const each of made) each.kill('SIGKILL');
});

/** A network namespace of the caller's, as unshare(1) makes it. Returns its path. */
async function makeNamespace(): Promise<string> {
  const child = spawn('unshare', ['--user', '--map-root-user', '--net', 'sleep', '1000'], {
    stdio: 'ignore',
  });
  made.push(child);
  const path = `/proc/${child.pid}/ns/net`;
  const own = readlinkSync('/proc/self/ns/net');
  await waitUntil('the namespace is there', () => {
    try {
      return readlinkSync(path) !== own;
    } catch {
      return false;
    }
  });
  return path;
}

const netOf = (flags: string[]) => home.shell('readlink /proc/self/ns/net', flags);

test('a container joins a network namespace that the caller has made, and can configure it', async () => {
  const path = await makeNamespace();
  const { stdout, stderr, status } = netOf(['--network', `ns:${path}`]);
  assert.deepEqual([stderr, stdout, status], ['', `${readlinkSync(path)}\n`, 0]);
  const set =
    'ip link set lo up; ip address add 10.1.2.3/32 dev lo; ping -c 1 10.1.2.3 > /dev/null && hostname';
  const configured = home.shell(set, [
    '--network',
    `ns:${path}`,
    '--cap-add',
    'NET_ADMIN',
    '--hostname',
    'me',
  ]);
  assert.deepEqual([configured.stderr, configured.stdout], ['', 'me\n']);
  assert.match(home.shell('ip address', ['--network', `ns:${path}`]).stdout, /10\.1\.2\.3/);
});

test("a container joins another one's network namespace, with its users, and keeps it when it is restarted", async () => {
  const flags = ['-d', '--network', 'none', 'busybox', 'sleep', '1000'];
  assert.equal(home.run(['--name', 'first', ...flags]).status, 0);
  const pid = home.foster(['inspect', '-f', '{{.State.Pid}}', 'first']).stdout.trim();
  const net = `ns:/proc/${pid}/ns/net`;
  const script = 'readlink /proc/self/ns/net; chown 1:1 /root && id -u; sleep 0.1; exit 1';
  const { status, stderr } = home.run([
    ...['-d', '--name', 'second', '--network', net, '--restart', 'on-failure:1'],
    ...['busybox', 'sh', '-c', script],
  ]);
  assert.deepEqual([stderr, status], ['', 0]);
  const first = home.foster(['exec', 'first', 'readlink', '/proc/self/ns/net']).stdout;
  const twice = `${first}0\n`.repeat(2);
  await waitUntil('it was restarted', () => home.foster(['logs', 'second']).stdout === twice);
  assert.equal(home.foster(['inspect', '-f', '{{.HostConfig.NetworkMode}}', 'second']).stdout, `${net}\n`);
  const other = home.foster(['network', 'connect', 'bridge', 'second']);
  assert.match(other.stderr, /: its network belongs to others; make a container with another --network\n$/);
  assert.equal(home.foster(['wait', 'second']).status, 0);
  assert.equal(home.foster(['rm', '-f', '-t', '0', 'first']).status, 0);
  const gone = home.foster(['start', 'second']);
  assert.match(gone.stderr, /^foster: cannot join the network namespace \/proc\/\d+\/ns\/net: no such file/);
  assert.equal(home.foster(['rm', 'second']).status, 0);
});

test('a container whose users would be others than at its creation is not started', async () => {
  const link = join(home.folder, 'netns');
  symlinkSync(await makeNamespace(), link);
  const created = home.foster([
    'create',
    '--name',
    'moved',
    '--network',
    `ns:${link}`,
    'busybox',
    'id',
    '-u',
  ]);
  assert.deepEqual([created.stderr, created.status], ['', 0]);
  assert.equal(home.foster(['start', '-a', 'moved']).stdout, '0\n');
  assert.equal(
    home.run(['-d', '--name', 'other', '--network', 'none', 'busybox', 'sleep', '1000']).status,
    0,
  );
  const pid = home.foster(['inspect', '-f', '{{.State.Pid}}', 'other']).stdout.trim();
  rmSync(link);
  symlinkSync(`/proc/${pid}/ns/net`, link);
  const refused = home.foster(['start', 'moved']);
  assert.match(
    refused.stderr,
    /: its users are not those that the container was created with; create the container again\n$/,
  );
  assert.equal(home.foster(['rm', '-f', '-t', '0', 'moved', 'other']).status, 0);
});

test('what cannot be joined is refused, with the reason', async () => {
  const path = await makeNamespace();
  const file = join(home.folder, 'file');
  writeFileSync(file, '');
  for (const [flags, wanted] of [
    [['--network', `ns:${file}`], /: it is not a network namespace; name one, such as/],
    [['--network', `ns:${path.replace('net', 'uts')}`], /: it is not a network namespace; /],
    [['--network', 'ns:/nothere'], /^foster: cannot join the network namespace \/nothere: no such file/],
    [['--network', 'ns:/proc/self/ns/net'], /: it is that of the host; use --network host/],
    [
      ['--network', 'ns:/proc/1/ns/net'],
      /^foster: cannot join the network namespace \/proc\/1\/ns\/net: perm/,
    ],
    [['--network', 'ns:file'], /: expected ns:PATH with an absolute path/],
    [['--network', `ns:${path}`, '--network', 'bridge'], / cannot be combined with others/],
    [
      ['--network', `ns:${path}`, '-p', '80'],
      /^foster: --publish and --network ns: cannot be used together; /,
    ],
    [['--network', `ns:${path}`, '--userns', 'auto'], /^foster: --userns and --network ns: cannot be used/],
  ] as const) {
    const { status, stderr } = netOf([...flags]);
    assert.match(stderr, wanted);
    assert.equal(status, 125);
  }
});

test('nothing is left', async () => {
  for (const each of made.splice(0)) each.kill('SIGKILL');
  await home.assertNothingLeft();
});
