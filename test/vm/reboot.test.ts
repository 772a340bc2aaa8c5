import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { waitUntil } from '../integration/support/wait.js';

/**
 * Containers after a reboot: `make test-vm` runs this in three boots of one machine. The first one ends by a shutdown,
 * the second by a power failure. The containers are those of the user's own data folder, which stays.
 */
const BOOT = Number(process.env.FOSTER_VM_BOOT);
const FOSTER = process.env.FOSTER ?? 'dist/foster';
const DEADLINE = 180_000; // milliseconds; several starts at once, by emulation

function foster(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(FOSTER, args, { encoding: 'utf8', timeout: DEADLINE });
  assert.equal(status, 0, `foster ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const running = () => foster('ps', '--format', '{{.Names}}').split('\n').filter(Boolean).toSorted();

/** The unit is active when it has started its containers. Until then, one that is about to start counts as alive. */
async function untilStarted(): Promise<void> {
  const isActive = () =>
    spawnSync('systemctl', ['--user', 'is-active', '--quiet', 'foster-restart']).status === 0;
  await waitUntil('the unit has started the containers', isActive, DEADLINE);
}

function inBoot(boot: number, name: string, body: () => void | Promise<void>): void {
  if (BOOT === boot) test(name, body);
}

inBoot(1, 'before the first reboot: containers, and the unit', () => {
  const create = (name: string, policy: string, ...flags: string[]) =>
    foster('run', '-d', '--name', name, '--restart', policy, ...flags, 'busybox', 'sleep', '10000');
  create('always', 'always', '-v', 'data:/data');
  create('limited', 'always', '-m', '64m', '--network', 'none');
  create('kept', 'unless-stopped', '--network', 'none');
  create('stopped', 'unless-stopped', '--network', 'none');
  create('never', 'no', '--network', 'none');
  foster('create', '--name', 'created', '--restart', 'always', 'busybox', 'true');
  foster('exec', 'always', 'sh', '-c', 'echo kept > /data/file');
  foster('stop', '-t', '0', 'stopped');
  const unit = `${process.env.HOME}/.config/systemd/user/foster-restart.service`;
  const enabled = spawnSync(FOSTER, ['system', 'enable-restart'], { encoding: 'utf8', timeout: DEADLINE });
  assert.deepEqual([enabled.status, enabled.stdout], [0, `${unit}\n`], enabled.stderr);
  assert.match(enabled.stderr, /^foster: warning: .*loginctl enable-linger user\n$/);
  assert.ok(existsSync(unit));
  const { status, stderr } = spawnSync('loginctl', ['enable-linger'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(foster('system', 'enable-restart'), `${unit}\n`, 'once more: nothing changes, no warning');
  assert.deepEqual(running(), ['always', 'kept', 'limited', 'never']);
});

inBoot(2, 'after a shutdown, what is to be restarted runs, and nothing else', async () => {
  await untilStarted();
  assert.deepEqual(running(), ['always', 'kept', 'limited']);
  assert.equal(foster('exec', 'always', 'cat', '/data/file'), 'kept\n');
  assert.match(foster('stats', '--no-stream', '--format', '{{.MemUsage}}', 'limited'), /\/ (64MiB|67\.1)/);
  foster('stop', '-t', '0', 'kept');
});

inBoot(3, 'after a power failure, too', async () => {
  await untilStarted();
  assert.deepEqual(running(), ['always', 'limited'], 'the third was stopped by the user');
  assert.equal(foster('exec', 'always', 'cat', '/data/file'), 'kept\n');
  foster('system', 'disable-restart');
  assert.deepEqual(running(), ['always', 'limited'], 'they go on');
  foster('rm', '-f', 'always', 'limited', 'kept', 'stopped', 'never', 'created');
});
