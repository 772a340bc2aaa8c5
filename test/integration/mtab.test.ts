import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';

/** The link that programs follow to see what is mounted: images leave it to the runtime, as Docker and Podman do it. */
const home = new ImagesHome();
const containers = new Containers(home);

/** It has nothing in /etc, and no such folder. */
const BARE = 'bare:1';
home.load(dockerArchive({ names: [BARE], layers: [BUSYBOX_LAYER] }));

afterEach(() => containers.removeAll());

for (const driver of ['overlay', 'copy', 'fuse-overlayfs']) {
  test(`/etc/mtab leads to /proc/mounts, and is not a change of the container (${driver})`, () => {
    home.env.FOSTER_STORAGE_DRIVER = driver;
    const name = `mtab-${driver}`;
    const script = 'busybox readlink /etc/mtab && busybox grep -c " /proc " /etc/mtab';
    assert.equal(containers.ok('run', '--name', name, BARE, 'sh', '-c', script), '/proc/mounts\n1\n');
    assert.equal(containers.ok('diff', name), '');
    // again, with the link of the first start
    assert.equal(containers.ok('start', '-a', name), '/proc/mounts\n1\n');
    const image = `mtab-${driver}:1`;
    containers.ok('commit', name, image);
    const own = 'rm /etc/mtab && ln -s /proc/uptime /etc/mtab';
    containers.ok('run', '--name', `${name}-own`, image, 'sh', '-c', own);
    assert.match(containers.ok('diff', `${name}-own`), /^[AC] \/etc\/mtab$/m, 'one of the container');
    // an image whose upper layer removes that of a lower one
    containers.ok('commit', `${name}-own`, `mtab-${driver}:own`);
    containers.ok('run', '--name', `${name}-gone`, `mtab-${driver}:own`, 'rm', '/etc/mtab');
    containers.ok('commit', `${name}-gone`, `mtab-${driver}:gone`);
    assert.equal(
      containers.ok('run', '--rm', `mtab-${driver}:gone`, 'busybox', 'readlink', '/etc/mtab'),
      '/proc/mounts\n',
    );
    delete home.env.FOSTER_STORAGE_DRIVER;
  });
}

test('what an image has at /etc/mtab stays, and the container has no change', () => {
  containers.ok('run', '--name', 'author', BARE, 'sh', '-c', 'rm /etc/mtab && echo own >/etc/mtab');
  containers.ok('commit', 'author', 'mtab-own:1');
  assert.equal(containers.ok('run', '--name', 'reader', 'mtab-own:1', 'cat', '/etc/mtab'), 'own\n');
  assert.equal(containers.ok('diff', 'reader'), '');
});

test('where something is mounted at /etc/mtab, or the root is read-only', () => {
  const at = ['-v', '/etc/hostname:/etc/mtab:ro'];
  assert.match(containers.ok('run', '--rm', ...at, BARE, 'cat', '/etc/mtab'), /^\S+\n$/);
  assert.equal(
    containers.ok('run', '--rm', '--read-only', BARE, 'busybox', 'readlink', '/etc/mtab'),
    '/proc/mounts\n',
  );
});
