import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';
import { waitUntil } from './support/wait.js';

/** What an image says of its containers, and what flags put in its place. */
const home = new ImagesHome();
const containers = new Containers(home);
const out = (...args: string[]) => containers.ok(...args);

const layer = [
  ...BUSYBOX_LAYER,
  { name: 'etc/passwd', content: 'root:x:0:0::/root:/bin/sh\nweb:x:33:34::/var/www:/bin/sh\n' },
  { name: 'etc/group', content: 'root:x:0:\nwww:x:34:\n' },
  { name: 'srv/', type: '5', mode: 0o755 },
];
const config = {
  Entrypoint: ['sh', '-c', 'echo "$0 $*"; echo $GREETING $HOME; pwd; id -u; id -g'],
  Cmd: ['one', 'two words'],
  Env: ['GREETING=from the image', 'PATH=/bin'],
  User: 'web',
  WorkingDir: '/srv',
  Labels: { level: 'image', other: 'image' },
  StopSignal: 'SIGUSR1',
  Healthcheck: { Test: ['CMD-SHELL', 'test -e /srv'], Interval: 200_000_000, Retries: 2 },
};
home.load(dockerArchive({ names: ['app:1'], layers: [layer], config }));
const HEALTHLESS = ['--rm', '--no-healthcheck'];

afterEach(() => containers.removeAll());

test('a container has the defaults of its image', () => {
  assert.equal(out('run', ...HEALTHLESS, 'app:1'), 'one two words\nfrom the image /var/www\n/srv\n33\n34\n');
});

test('arguments and flags replace them', () => {
  assert.match(out('run', ...HEALTHLESS, 'app:1', 'mine'), /^mine \n/);
  const flags = ['-e', 'GREETING=mine', '-u', '0', '-w', '/etc'];
  assert.equal(out('run', ...HEALTHLESS, ...flags, 'app:1'), 'one two words\nmine /root\n/etc\n0\n0\n');
  assert.equal(out('run', ...HEALTHLESS, '--entrypoint', 'busybox', 'app:1', 'pwd'), '/srv\n');
});

test('its stop signal, labels and health check', async () => {
  const script = 'trap "exit 7" USR1; while :; do sleep 0.1; done';
  const flags = ['-d', '--name', 'one', '--label', 'level=mine', '--entrypoint', 'sh'];
  out('run', ...flags, 'app:1', '-c', script);
  await waitUntil('it is healthy', () => containers.inspect('one', '{{.State.Health.Status}}') === 'healthy');
  assert.equal(containers.inspect('one', '{{.Config.Labels.level}} {{.Config.Labels.other}}'), 'mine image');
  out('stop', 'one');
  assert.equal(containers.inspect('one', '{{.State.ExitCode}}'), '7');
});
