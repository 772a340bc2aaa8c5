import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home, type Result } from './support/foster.js';
import { descendants, readProcess } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/**
 * A host step that fails when others are done: fuse-overlayfs runs already, and a volume, which root's containers are handed
 * with its ids shifted, is not there any more.
 */
const home = new Home();
const containers = new Containers(home);
const volume = join(home.folder, 'volume');
const isThere = existsSync('/dev/fuse') && existsSync('/usr/bin/fuse-overlayfs');
const fuse = { skip: isThere ? false : 'fuse-overlayfs or /dev/fuse is not there' };
const flags = ['--storage-driver', 'fuse-overlayfs', 'run', '--name', 'one', '-v', `${volume}:/v`];

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

function assertFailed({ status, stdout, stderr }: Result, expected = 125): void {
  assert.deepEqual([status, stdout], [expected, '']);
  assert.match(
    stderr,
    /^foster: cannot take \/\S+\/volume from the host, to mount it at \/v: no such file or directory \(ENOENT\)\n$/,
  );
}

for (const [where, more] of Object.entries({ foreground: ['--rm'], background: ['-d'] })) {
  test(`in the ${where}: fuse-overlayfs is ended, and nothing is left mounted`, fuse, async () => {
    mkdirSync(volume);
    const args = [...flags.slice(3), ...more, 'busybox', 'true'];
    const { stderr } = home.foster([...flags.slice(0, 3), ...args], { env: { FOSTER_FAULT: 'count' } });
    const before = where === 'foreground' ? 'PID 1 started' : 'stale files removed';
    const number = new RegExp(`^fault point (\\d+): ${before}$`, 'm').exec(stderr)?.[1];
    assert.ok(number !== undefined, stderr);
    containers.removeAll();
    const env = { FOSTER_FAULT: `stop:${number}`, FOSTER_STORAGE_DRIVER: 'fuse-overlayfs' };
    const running = home.start(args, { env });
    await waitUntil('it has stopped', () => readProcess(running.pid)?.state === 'T');
    rmSync(volume, { recursive: true });
    running.signal('SIGCONT');
    assertFailed(await running.ended);
    await home.assertNoProcess();
  });
}

test(
  'at the next start of a container: the same, and it can be started when the volume is back',
  fuse,
  async () => {
    mkdirSync(volume);
    const created = home.foster([
      '--storage-driver',
      'fuse-overlayfs',
      'create',
      ...flags.slice(3),
      'busybox',
      'sleep',
      '100',
    ]);
    assert.equal(created.status, 0, created.stderr);
    rmSync(volume, { recursive: true });
    assertFailed(home.foster(['start', 'one']), 1);
    await home.assertNoProcess();
    mkdirSync(volume);
    assert.equal(home.foster(['start', 'one']).status, 0);
    assert.equal(descendants().filter(({ name }) => name === 'fuse-overlayfs').length, 1);
    rmSync(volume, { recursive: true });
  },
);

test('a mount whose ids cannot be shifted is refused, in the foreground and in the background', () => {
  for (const more of [['--rm'], ['-d', '--name', 'one']]) {
    const { status, stderr } = home.run([...more, '/sys/kernel', 'true']);
    assert.equal(status, 125);
    assert.match(stderr, /^foster: cannot use \/sys\/kernel as the root filesystem: .*--userns keep-id/);
  }
});
