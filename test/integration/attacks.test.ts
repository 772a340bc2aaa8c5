import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Engine } from './attacks/engine.js';
import { commit } from './attacks/scene.js';
import { ATTACKS } from './attacks/table.js';
import { ImagesHome } from './support/image-archive.js';

/** Each attack of the table is made on foster: the host must show nothing of it. */

const home = new ImagesHome();
const foster = await Engine.foster(home);

after(() => home.assertNoProcess());

describe('attacks', { concurrency: 3 }, () => {
  for (const attack of ATTACKS) {
    test(attack.name, async () => {
      const { losses } = await commit(attack, foster);
      if (attack.accepted === undefined) assert.deepEqual(losses, []);
    });
  }
});
