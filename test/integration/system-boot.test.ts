import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';

/** What a boot and a shutdown mean for containers; test/vm/reboot.test.ts has real ones. */
const home = new Home();
const containers = new Containers(home);

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

const running = () => containers.ok('ps', '--format', '{{.Names}}').split('\n').filter(Boolean).toSorted();

function begin(): void {
  for (const policy of ['always', 'unless-stopped', 'on-failure', 'no'])
    containers.detach(policy, 'sleep 1000', ['--restart', policy]);
  containers.detach('ended', 'sleep 1000', ['--restart', 'unless-stopped']);
  containers.ok('stop', '-t', '0', 'ended');
  containers.ok('create', '--name', 'created', '--restart', 'always', 'busybox', 'sleep', '1000');
}

test('system stop ends what system start starts again', () => {
  begin();
  assert.equal(containers.ok('system', 'stop').trim().split('\n').length, 2);
  assert.deepEqual(running(), ['no', 'on-failure']);
  assert.equal(containers.ok('system', 'stop'), '', 'nothing to stop');
  assert.equal(containers.ok('system', 'start').trim().split('\n').length, 2);
  assert.deepEqual(running(), ['always', 'no', 'on-failure', 'unless-stopped']);
  assert.equal(containers.ok('system', 'start'), '', 'nothing to start');
});

test('what a person stops afterwards stays stopped, but for the policy always', () => {
  begin();
  containers.ok('system', 'stop');
  containers.ok('start', 'always', 'unless-stopped');
  containers.ok('stop', '-t', '0', 'always', 'unless-stopped');
  containers.ok('system', 'start');
  assert.deepEqual(running(), ['always', 'no', 'on-failure']);
});

test('after a power failure, which ends monitors too, the same are started', async () => {
  begin();
  for (const name of ['always', 'unless-stopped', 'on-failure', 'no'])
    process.kill(containers.monitor(name), 'SIGKILL');
  for (const name of ['always', 'unless-stopped', 'on-failure', 'no']) await containers.waitFor(name, 'dead');
  containers.ok('system', 'start');
  assert.deepEqual(running(), ['always', 'unless-stopped']);
});

const isBooted = existsSync('/run/systemd/system');

test('enable-restart needs systemd', { skip: isBooted && 'this machine has it' }, () => {
  const { status, stdout, stderr } = home.foster(['system', 'enable-restart']);
  assert.deepEqual([status, stdout], [125, '']);
  assert.match(stderr, /this machine was not booted by systemd; .*'foster system start'/);
  assert.equal(existsSync(`${home.folder}/.config`), false, 'nothing was written');
});

test('disable-restart says when there is nothing to disable', () => {
  const { status, stderr } = home.foster(['system', 'disable-restart']);
  assert.equal(status, 1);
  assert.match(stderr, /^foster: it is not enabled/);
});
