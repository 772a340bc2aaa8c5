/** Options before the command: what they do, which values they have, and which of Docker's and Podman's foster cannot have. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';

const home = new Home();
const containers = new Containers(home);

after(() => containers.removeAll());

test('--root keeps images and containers in another folder, for all commands', () => {
  const root = join(home.folder, 'other');
  const there = (...args: string[]) => containers.ok('--root', root, ...args);
  const id = there('run', '-d', '--name', 'there', 'busybox', 'sleep', '1000').trim();
  try {
    assert.deepEqual(readdirSync(join(root, 'containers')), [id]);
    assert.ok(!existsSync(join(home.folder, 'data/foster/containers', id)));
    assert.equal(containers.ok('ps', '-aq'), '');
    assert.equal(there('ps', '-q', '--no-trunc').trim(), id);
    assert.equal(there('exec', 'there', 'echo', 'inside'), 'inside\n');
    there('stop', '-t', '0', 'there');
    there('start', 'there');
    assert.equal(there('inspect', '-f', '{{.State.Status}}', 'there').trim(), 'running');
  } finally {
    there('rm', '-f', 'there');
  }
  assert.deepEqual(readdirSync(join(root, 'containers')), []);
});

test('--root that is relative means the same folder wherever the monitor is', () => {
  const cwd = join(home.folder, 'somewhere');
  mkdirSync(cwd);
  const run = home.foster(['--root', 'here', 'run', '--rm', 'busybox', 'echo', 'done'], { cwd });
  assert.equal(run.stdout, 'done\n', run.stderr);
  assert.ok(existsSync(join(cwd, 'here/containers')));
});

test('--log-level says what is printed beside results, --noout prints no results', () => {
  assert.equal(home.foster(['--noout', 'version']).stdout, '');
  const warns = ['login', '-u', 'me', '-p', 'secret', '127.0.0.1:1'];
  assert.match(home.foster(warns).stderr, /^foster: warning: a password on the command line/);
  assert.doesNotMatch(home.foster(['--log-level=error', ...warns]).stderr, /warning/);
  const missing = ['inspect', 'nobody'];
  assert.match(home.foster(['--log-level', 'debug', ...missing]).stderr, /^ {4}at /m, 'a stack trace');
  assert.doesNotMatch(home.foster(['-l', 'error', ...missing]).stderr, /^ {4}at /m);
  const wrong = home.foster(['-l', 'loud', 'version']);
  assert.equal(wrong.status, 1, 'as Docker and Podman');
  assert.match(wrong.stderr, /^foster: --log-level 'loud': expected trace, debug, info/);
});

test('--config names the folder of the credentials', () => {
  const folder = join(home.folder, 'docker-config');
  mkdirSync(folder);
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify({ auths: { 'registry.invalid': { auth: 'dTpw' } } }));
  containers.ok('--config', folder, 'logout', 'registry.invalid');
  assert.doesNotMatch(readFileSync(file, 'utf8'), /registry\.invalid/);
  assert.match(home.foster(['--config', '', 'ps']).stderr, /^foster: --config '': expected a folder/);
});

test('what makes no difference is accepted, but not any value', () => {
  for (const options of [
    ['--cgroup-manager', 'cgroupfs'],
    ['--cgroup-manager=systemd', '--events-backend=file'],
    ['--runroot', '/tmp/run', '--tmpdir', '/tmp'],
    ['--storage-driver', 'vfs'],
    ['--storage-driver', 'overlay2', '-D'],
  ]) {
    assert.equal(home.foster([...options, 'ps']).status, 0, options.join(' '));
  }
  for (const [name, value] of [
    ['--cgroup-manager', 'nope'],
    ['--events-backend', 'journald'],
    ['--storage-driver', 'btrfs'],
    ['--root', ''],
    ['--runroot', ''],
  ] as const) {
    const { status, stderr } = home.foster([name, value, 'ps']);
    assert.equal(status, 125, name);
    assert.match(stderr, new RegExp(`^foster: ${name} '${value}': expected `));
  }
});

test('what foster cannot have is refused by name, with the reason', () => {
  for (const [option, reason] of [
    ['--url=unix:///run/podman.sock', 'no daemon'],
    ['--connection=x', 'no daemon'],
    ['-H', 'no daemon'],
    ['--tlsverify', 'no daemon'],
    ['-r', 'no daemon'],
    ['--context=x', 'no daemon'],
    ['--runtime=crun', 'starts containers itself'],
    ['--conmon=/usr/bin/conmon', 'starts containers itself'],
    ['--storage-opt=a=b', 'mounted'],
    ['--syslog', 'Podman'],
  ] as const) {
    const { status, stderr } = home.foster([option, 'ps']);
    const name = option.split('=')[0];
    assert.equal(status, 125, option);
    assert.match(stderr, new RegExp(`^foster: ${name} is not supported( yet)?: .*${reason}`));
  }
});
