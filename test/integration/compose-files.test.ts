import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BuildHome, FROM } from './support/build.js';
import { Containers } from './support/containers.js';

/**
 * Compose files with the shapes of well-known ones, test/compose: their containers are created, which checks everything but their
 * programs. Each image is the same busybox under another name.
 */
after(() => containers.removeAll()); // before the home itself is removed

const home = new BuildHome();
home.env.FOSTER_NETWORK = 'bridge';
const containers = new Containers(home);

const FOLDER = 'test/compose';

interface Expected {
  /** Containers that are created. */
  containers?: number;
  /** Parts of the warnings, in their order; no others may be there. */
  warnings?: RegExp[];
  /** The error, if the file is refused. */
  error?: RegExp;
  flags?: string[];
}

const CASES: Record<string, Expected> = {
  'airflow-anchors': { containers: 5 },
  'build-args': {
    containers: 1,
    warnings: [/build\.cache_from: it has no effect: steps are cached on this machine/],
  },
  devcontainer: { containers: 1, warnings: [/service app shares namespaces of another/] },
  'elastic-stack': { containers: 3 },
  'flask-nginx-mysql': { containers: 3 },
  'gitea-postgres': { containers: 2 },
  gpu: {
    error:
      /^foster: compose\.yaml:7:11: services\.llm\.deploy\.resources\.reservations\.devices: devices is not supported: .*; use devices\n$/,
  },
  kafka: { containers: 2 },
  limits: { containers: 2, warnings: [/limit/, /limit/], flags: ['--ignore-unenforced-limits'] },
  mastodon: { containers: 4 },
  'monitoring-host': { containers: 2 },
  'nextcloud-redis': { containers: 3 },
  overrides: { containers: 2 },
  pihole: { containers: 2 },
  'prometheus-grafana': { containers: 2 },
  'swarm-leftovers': {
    containers: 2,
    warnings: [
      'version',
      'mode',
      'placement',
      'labels',
      'update_config',
      'rollback_config',
      'delay',
      'window',
    ].map((field) => new RegExp(`${field}: it has no effect`)),
  },
  'traefik-labels': { containers: 2 },
  'voting-app': { containers: 4, warnings: [/version: it has no effect/] },
  'vpn-sidecar': { containers: 1, warnings: [/service client shares namespaces of another/] },
  'wordpress-mariadb': { containers: 2 },
};

before(() => {
  home.built(home.context({ Dockerfile: FROM }), ['-t', 'localhost/base']);
});

const foster = (args: string[], cwd: string) => home.foster(['compose', ...args], { cwd });

test('each file of test/compose is listed, here and in its README', () => {
  const names = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(names.map(({ name }) => name).sort(), Object.keys(CASES).sort());
  const listed = [...readFileSync(`${FOLDER}/README.md`, 'utf8').matchAll(/^\| ([a-z][a-z-]+) +\|/gm)];
  assert.deepEqual(
    listed
      .map(([, name]) => name)
      .slice(1)
      .sort(),
    Object.keys(CASES).sort(),
  );
});

for (const [name, { containers: count = 0, warnings = [], error, flags = [] }] of Object.entries(CASES)) {
  test(`${name}: ${error === undefined ? `${count} containers` : 'refused'}`, () => {
    const folder = join(home.folder, 'files', name);
    cpSync(join(FOLDER, name), folder, { recursive: true });
    const images = foster(['config', '--images'], folder);
    if (error !== undefined) {
      assert.equal(images.status, 1);
      assert.match(images.stderr, error);
      return;
    }
    assert.equal(images.status, 0, images.stderr);
    containers.ok('tag', 'localhost/base', ...images.stdout.trim().split('\n'));
    const { status, stderr } = foster(['create', ...flags], folder);
    assert.equal(status, 0, stderr);
    const warned = stderr.split('\n').filter((line) => line.startsWith('foster: warning:'));
    assert.equal(warned.length, warnings.length, stderr);
    for (const [index, pattern] of warnings.entries()) assert.match(warned[index] ?? '', pattern);
    const down = foster(['down', '-v'], folder);
    assert.equal(down.status, 0, down.stderr);
    assert.equal(down.stderr.match(/ Container .* Removed\n/g)?.length, count, down.stderr);
    assert.match(foster(['config'], folder).stdout, /^name: /);
  });
}
