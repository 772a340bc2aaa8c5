import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { Engine, endPodman } from './attacks/engine.js';
import { isRecorded, mayLose, mustHold, row } from './attacks/results.js';
import { ATTACKS } from './attacks/table.js';
import { ImagesHome } from './support/image-archive.js';

/**
 * Each attack of the table is made on foster: the host must show nothing of it. `make test-attacks` makes them on podman
 * too, for comparison, and writes docs/attacks.md.
 */

let podman: Engine | undefined;

after(() => podman && endPodman(podman)); // before its files go with the home
const home = new ImagesHome();
const foster = await Engine.foster(home);

after(() => home.assertNoProcess());

describe('attacks', { concurrency: 3 }, () => {
  for (const attack of ATTACKS) test(attack.name, () => mustHold(attack, foster, 'foster'));
});

if (isRecorded) {
  const engine = await Engine.podman(home);
  podman = engine;
  describe('attacks on podman', { concurrency: 3 }, () => {
    for (const attack of ATTACKS.filter(({ fosterOnly }) => fosterOnly === undefined))
      test(attack.name, () => mayLose(attack, engine));
  });
}

test('every attack has a unique name, and a row in docs/attacks.md', { skip: isRecorded }, () => {
  const names = ATTACKS.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
  const table = readFileSync('docs/attacks.md', 'utf8');
  assert.deepEqual(
    ATTACKS.filter((attack) => !table.includes(row(attack))).map(({ name }) => name),
    [],
    'make test-attacks',
  );
});
