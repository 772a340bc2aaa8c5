import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { runAttack } from './attacks/attack-run.js';
import { Engine } from './attacks/engine.js';
import { lockMachine } from './attacks/machine-lock.js';
import { ATTACKS } from './attacks/table.js';
import { ImagesHome } from './support/image-archive.js';

/** As attacks-weakened.test.ts, where only root may give the rights. */

lockMachine();
const home = new ImagesHome();
const foster = await Engine.foster(home);

after(() => home.assertNoProcess());

describe('with more rights, as root', () => {
  for (const attack of ATTACKS) {
    const { name, weakenedByRoot } = attack;
    if (weakenedByRoot === undefined) continue;
    test(`${name}: wins with ${weakenedByRoot.join(' ')}`, async () => {
      const { losses } = await runAttack(attack, foster, weakenedByRoot);
      assert.notDeepEqual(losses, []);
    });
  }
});
