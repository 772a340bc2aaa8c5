import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, test } from 'node:test';
import { Containers } from '../integration/support/containers.js';
import { Home } from '../integration/support/foster.js';
import { waitUntil } from '../integration/support/wait.js';

/** The default network where AppArmor confines pasta, as Debian and Ubuntu do: `make test-vm`. */
const home = new Home();
const containers = new Containers(home);
const DEFAULT = ['--network', 'bridge']; // tests have none unless they ask for it

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

test('a container reaches the outside', async () => {
  const server = createServer((_, response) => response.end('outside\n')).listen(0, '0.0.0.0');
  await once(server, 'listening');
  try {
    const address = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    const url = `http://${address}:${(server.address() as AddressInfo).port}/`;
    const { status, stdout, stderr } = await containers.run([
      'run',
      '--rm',
      ...DEFAULT,
      'busybox',
      'wget',
      '-q',
      '-O',
      '-',
      url,
    ]);
    assert.deepEqual([status, stdout, stderr], [0, 'outside\n', '']);
  } finally {
    server.close();
  }
});

test('a published port is reached', async () => {
  containers.detach('web', 'mkdir /www; echo inside > /www/index.html; exec httpd -f -h /www', [
    ...DEFAULT,
    '-p',
    '8080:80',
  ]);
  const text = await waitUntil('it answers', async () => {
    try {
      return await (await fetch('http://127.0.0.1:8080/')).text();
    } catch {
      return undefined;
    }
  });
  assert.equal(text, 'inside\n');
});
