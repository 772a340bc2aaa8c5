import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';

/** An image's defaults for its containers, and flags that override them. */
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

test('an image goes before the recipe of its name, and --platform means an image', () => {
  const named = (command: string[], ...names: string[]) =>
    home.load(dockerArchive({ names, layers: [[...BUSYBOX_LAYER]], config: { Cmd: command } }));
  named(['echo', 'the image'], 'busybox:latest');
  assert.equal(out('run', '--rm', 'busybox'), 'the image\n');
  assert.equal(out('run', '--rm', '--pull', 'never', 'busybox'), 'the image\n');
  out('rmi', 'busybox');
  assert.equal(out('run', '--rm', '--pull', 'never', 'busybox', 'echo', 'the recipe'), 'the recipe\n');
  const { status, stderr } = home.run(['--pull', 'never', '--platform', 'linux/arm64', 'busybox', 'true']);
  assert.equal(status, 125);
  assert.match(stderr, /no such image: busybox/);
});

test('an image without a place for /run/.containerenv does without it', () => {
  const layer = [...BUSYBOX_LAYER, { name: 'run', content: 'a file' }];
  home.load(dockerArchive({ names: ['fileless:1'], layers: [layer], config: { Cmd: ['cat', '/run'] } }));
  assert.equal(out('run', '--rm', 'fileless:1'), 'a file');
});

test('a short name finds what Docker and what Podman call so', () => {
  const named = (text: string, name: string) =>
    home.load(
      dockerArchive({ names: [name], layers: [[...BUSYBOX_LAYER]], config: { Cmd: ['echo', text] } }),
    );
  named('of Docker', 'mine:1');
  named('of Podman', 'localhost/yours:1');
  assert.equal(out('run', '--rm', 'localhost/mine:1'), 'of Docker\n');
  assert.equal(out('run', '--rm', 'yours:1'), 'of Podman\n');
  out('rmi', 'localhost/yours:1', 'mine:1');
});

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
  await containers.until('it is healthy', 'one', ({ health }) => health === 'healthy');
  assert.equal(containers.inspect('one', '{{.Config.Labels.level}} {{.Config.Labels.other}}'), 'mine image');
  out('stop', 'one');
  assert.equal(containers.inspect('one', '{{.State.ExitCode}}'), '7');
});

test("options change the image's health check, and keep the rest of it", () => {
  const shown = (...flags: string[]) => {
    out('create', '--name', 'changed', ...flags, 'app:1');
    const health = JSON.parse(containers.inspect('changed', '{{json .Config.Healthcheck}}'));
    const action = containers.inspect('changed', '{{.Config.HealthcheckOnFailureAction}}');
    out('rm', 'changed');
    return [health.Test.at(-1), health.Interval, health.Retries, action];
  };
  assert.deepEqual(shown(), ['test -e /srv', 200_000_000, 2, 'none']);
  assert.deepEqual(shown('--health-interval', '1s'), ['test -e /srv', 1_000_000_000, 2, 'none']);
  assert.deepEqual(shown('--health-retries', '5', '--health-on-failure', 'kill'), [
    'test -e /srv',
    200_000_000,
    5,
    'kill',
  ]);
  const { status, stderr } = home.foster(['create', '--health-on-failure', 'kill', 'busybox']);
  assert.equal(status, 125);
  assert.match(stderr, /^foster: --health-on-failure 'kill': there is no health check; add one/);
});
