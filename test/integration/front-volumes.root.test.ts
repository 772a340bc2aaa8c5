import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FrontHome, normalized } from './support/front.js';

/** Volumes of root's containers without Node: their root is another user of the host, to whom root gives them without a helper. */
const home = new FrontHome();
const containers = new Containers(home);
const volumes = join(home.folder, 'data/foster/volumes');

after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

test('the same owners inside and outside, by Node and without it', () => {
  const show =
    'stat -c "%n %u:%g %a" /new /tmp /named; touch /new/file; chown 5:6 /new/file; ls -ln /new | cut -c -40';
  const args = ['-v', '/new', '-v', '/tmp', '-v', 'named:/named', 'busybox', 'sh', '-c', show];
  const found = [];
  for (const how of ['byNode', 'byAny', 'byFront'] as const) {
    const { stdout, stderr, status } = home[how](['run', '--name', 'one', ...args]);
    const owners = readdirSync(volumes).map((name) => {
      const { uid, gid, mode } = statSync(join(volumes, name, '_data'));
      assert.notEqual(uid, 0);
      return `${name.length === 64 ? 'ID' : name} ${uid} ${gid} ${mode.toString(8)}`;
    });
    assert.equal(home[how](['rm', '-v', 'one']).stderr, '');
    assert.deepEqual(readdirSync(volumes), ['named']);
    containers.ok('volume', 'rm', 'named');
    found.push({ stdout: normalized(stdout), stderr, status, owners: owners.sort() });
  }
  assert.equal(found[2]?.stderr, '');
  assert.deepEqual(found[2], found[0]);
});
