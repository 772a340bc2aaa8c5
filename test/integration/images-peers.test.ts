import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';
import { DebianRegistry } from './support/registry.js';

/** Images are exchanged with podman and skopeo in both directions, and run there and here. */

const isInstalled = (program: string) => spawnSync(program, ['--version']).status === 0;
const options = { skip: !isInstalled('podman') || !isInstalled('skopeo') || !isInstalled('runc') };
/** Podman's storage has files of users that only a container has. To be done before the home itself is removed. */
after(() => spawnSync('podman', ['unshare', 'rm', '-rf', join(home.folder, 'podman')], { env: home.env }));
const home = new ImagesHome();
const path = (name: string) => home.path(name);
let registry: DebianRegistry;

before(async () => {
  registry = await DebianRegistry.start(path('registry'));
  const layers = [BUSYBOX_LAYER, [{ name: 'etc/two', content: 'two', uid: 7 }]];
  const config = { Cmd: ['sh', '-c', 'cat /etc/two; stat -c %u /etc/two'], Env: ['PATH=/bin'] };
  writeFileSync(path('app.tar'), dockerArchive({ names: ['app:1'], layers, config }));
  foster('load', '-q', '-i', path('app.tar'));
});
after(async () => await registry?.stop());

const SAYS = 'two7\n';

function foster(...args: string[]): string {
  const { status, stdout, stderr } = home.foster(args);
  assert.equal(status, 0, `foster ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function podman(...args: string[]): string {
  const storage = ['--root', path('podman/root'), '--runroot', path('podman/run'), '--storage-driver', 'vfs'];
  // its default wants cgroups of version 2
  const flags = [...storage, '--runtime', 'runc', '--cgroup-manager', 'cgroupfs'];
  return execFileSync('podman', [...flags, ...args], { env: home.env, encoding: 'utf8' });
}

function skopeo(...args: string[]): void {
  execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', ...args], { env: home.env });
}

function runsInPodman(name: string): void {
  assert.equal(podman('run', '--rm', '--network', 'none', name), SAYS);
}

function runsHere(name: string): void {
  assert.equal(foster('run', '--rm', '--pull', 'never', name), SAYS);
}

for (const format of ['docker-archive', 'oci-archive']) {
  test(`${format}: foster save, podman load and run, podman save, foster load and run`, options, () => {
    foster('save', '--format', format, '-o', path('to.tar'), 'app:1');
    podman('load', '-q', '-i', path('to.tar'));
    runsInPodman('docker.io/library/app:1');
    podman('tag', 'docker.io/library/app:1', 'docker.io/library/back:1');
    podman('save', '-q', '--format', format, '-o', path(`${format}.tar`), 'docker.io/library/back:1');
    assert.equal(foster('load', '-i', path(`${format}.tar`)), 'Loaded image: back:1\n');
    runsHere('back:1');
    foster('rmi', 'back:1');
    podman('rmi', '-af');
  });
}

test('skopeo copies in both directions, and compresses with zstd', options, () => {
  foster('save', '--format', 'oci-dir', '-o', path('dir'), 'app:1');
  skopeo(
    '--dest-compress-format',
    'zstd',
    '--dest-compress',
    `oci:${path('dir')}`,
    `oci:${path('zstd')}:zstd:1`,
  );
  assert.equal(foster('load', '-i', path('zstd')), 'Loaded image: zstd:1\n');
  runsHere('zstd:1');
  assert.match(foster('image', 'inspect', '-f', '{{json .Layers}}', 'zstd:1'), /tar\+zstd/);
  const name = `${registry.host}/zstd:1`;
  foster('tag', 'zstd:1', name);
  foster('push', '-q', name);
  podman('pull', '-q', '--tls-verify=false', name);
  runsInPodman(name);
});

test('foster push, podman pull and run, podman push, skopeo copy, foster pull and run', options, () => {
  const pushed = `${registry.host}/pushed:1`;
  foster('tag', 'app:1', pushed);
  foster('push', '-q', pushed);
  podman('pull', '-q', '--tls-verify=false', pushed);
  runsInPodman(pushed);
  podman('push', '-q', '--tls-verify=false', pushed, `${registry.host}/again:1`);
  foster('pull', '-q', `${registry.host}/again:1`);
  runsHere(`${registry.host}/again:1`);
  skopeo('--src-tls-verify=false', `docker://${pushed}`, `docker-archive:${path('copied.tar')}:copied:1`);
  assert.equal(foster('load', '-i', path('copied.tar')), 'Loaded image: copied:1\n');
  runsHere('copied:1');
});

test('FROM and COPY --from pull images from a registry, --pull newer ones', options, () => {
  const name = `${registry.host}/base:1`;
  const push = (source: string) => {
    foster('tag', source, name);
    foster('push', '-q', name);
    foster('rmi', name);
  };
  push('app:1');
  const context = path('context');
  execFileSync('mkdir', ['-p', context]);
  writeFileSync(
    join(context, 'Dockerfile'),
    `ARG NAME=${name}\nFROM \${NAME:-scratch}\nCOPY --from=${name} /etc/two /three\nRUN cat /three >> /etc/two\n`,
  );
  foster('build', '-q', '-t', 'built:1', context);
  assert.equal(foster('run', '--rm', 'built:1'), 'twotwo7\n');
  push('built:1');
  foster('build', '-q', '-t', 'built:2', context);
  assert.equal(foster('run', '--rm', 'built:2'), 'twotwotwotwo7\n', 'the image was gone, so it is pulled');
  push('built:2');
  foster('tag', 'app:1', name);
  foster('build', '-q', '-t', 'built:4', context);
  assert.equal(foster('run', '--rm', 'built:4'), 'twotwo7\n', 'what is there is used');
  foster('build', '-q', '--pull', '-t', 'built:5', context);
  assert.equal(foster('run', '--rm', 'built:5'), `${'two'.repeat(8)}7\n`);
});
