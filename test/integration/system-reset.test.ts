import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Home } from './support/foster.js';

/** `foster system reset`: everything goes, but only when asked for. */
const home = new Home();

const stored = () =>
  ['containers', 'names', 'locks', 'layers', 'roots', 'images/blobs/sha256', 'build-cache', 'labs'].filter(
    (name) => entries(name).some((one) => one !== 'locks'),
  );

function entries(name: string): string[] {
  try {
    return readdirSync(join(home.folder, 'data/foster', name));
  } catch {
    return [];
  }
}

test('system reset removes running containers, images, caches and events, after asking', async () => {
  const id = home.run(['-d', '--name', 'runs', 'busybox', 'sleep', '1000']).stdout.trim();
  assert.equal(home.run(['--name', 'ended', 'busybox', 'touch', '/made']).status, 0);
  assert.equal(home.foster(['commit', '-q', 'ended', 'made:1']).status, 0);
  assert.equal(home.foster(['pause', id]).status, 0);
  assert.equal(home.foster(['volume', 'create', 'data']).status, 0);
  assert.equal(home.foster(['network', 'create', 'shop']).status, 0);
  assert.equal(home.foster(['lab', 'start', 'images']).status, 0);

  const refused = home.foster(['system', 'reset'], { input: 'n\n' });
  assert.match(refused.stdout, /^WARNING! This will remove all containers, running ones too, .*\[y\/N\] $/s);
  assert.equal(refused.status, 0);
  assert.equal(home.foster(['ps', '-q']).stdout.trim(), id.slice(0, 12));

  const { status, stdout, stderr } = home.foster(['system', 'reset', '-f']);
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
  assert.deepEqual(stored(), []);
  assert.equal(home.foster(['ps', '-aq']).stdout, '');
  assert.equal(home.foster(['images', '-q']).stdout, '');
  assert.equal(home.foster(['volume', 'ls', '-q']).stdout, '');
  assert.deepEqual(
    home.foster(['network', 'ls', '--format', '{{.Name}}']).stdout.split('\n').includes('shop'),
    false,
  );
  assert.equal(home.foster(['events', '--since', '1h', '--stream=false']).stdout, '');
  await home.assertNothingLeft();

  assert.equal(home.run(['--rm', 'busybox', 'true']).status, 0, 'it works again');
  assert.equal(home.foster(['system', 'reset', '--force']).status, 0);
  assert.equal(home.foster(['system', 'reset', '--force']).status, 0, 'nothing to remove');
});
