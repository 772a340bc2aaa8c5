import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BuildHome, FROM } from './support/build.js';
import { ComposeProject } from './support/compose.js';
import { Containers } from './support/containers.js';
import { waitUntil } from './support/wait.js';

/** `watch`: what develop.watch says happens when files change. */
after(() => containers.removeAll()); // before the home itself is removed

const home = new BuildHome();
const containers = new Containers(home);

const app = new ComposeProject(home, 'watched', {
  'compose.yaml': `services:
  web:
    build: ./web
    network_mode: none
    command: ["sh", "-c", "echo run >> /runs; exec sleep 1000"]
    develop:
      watch:
        - {path: ./web/src, action: sync, target: /srv, ignore: ["*.tmp"]}
        - {path: ./web/settings, action: sync+restart, target: /settings}
        - {path: ./web/version, action: rebuild}
`,
  'web/Dockerfile': `${FROM}\nCOPY src /srv\nCOPY version /version\n`,
  'web/src/page': 'first',
  'web/settings/one': 'first',
  'web/version': '1',
});

/** What a command in the container prints; '' while it does not run. */
const said = (...command: string[]) => app.run(['exec', '-T', 'web', ...command]).stdout;

test('files are copied, the container is restarted, the image is built anew', async () => {
  const watch = app.begin(['watch']);
  await waitUntil('it watches', () => watch.stderr.includes('Watch enabled'));
  assert.equal(said('cat', '/srv/page', '/version'), 'first1');
  const id = app.ids()['watched-web-1'];
  // the watches are set when the line is there, but not those of folders in them
  app.write({ 'web/src/page': 'second', 'web/src/left.tmp': 'left out', 'web/src/more/page': 'new' });
  await waitUntil('the files are there', () => said('cat', '/srv/page', '/srv/more/page') === 'secondnew');
  assert.equal(said('ls', '/srv'), 'more\npage\n');
  rmSync(join(app.folder, 'web/src/more'), { recursive: true });
  await waitUntil('what was removed is gone', () => said('ls', '/srv') === 'page\n');
  app.write({ 'web/settings/one': 'second' });
  await waitUntil('it was restarted', () => said('cat', '/settings/one', '/runs') === 'secondrun\nrun\n');
  assert.equal(app.ids()['watched-web-1'], id);
  app.write({ 'web/version': '2' });
  await waitUntil('there is a new container', () => said('cat', '/version') === '2');
  assert.notEqual(app.ids()['watched-web-1'], id);
  watch.signal('SIGINT');
  assert.equal((await watch.ended).status, 0, watch.stderr);
  assert.equal(app.states()['watched-web-1'], 'running');
  assert.ok(existsSync(join(app.folder, 'web/src/left.tmp')));
  app.write({ 'compose.yaml': 'services: {web: {image: busybox}}\n' });
  assert.match(app.run(['watch']).stderr, /no service has rules in develop\.watch; add/);
});
