import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { runAttack } from './attacks/attack-run.js';
import { Engine } from './attacks/engine.js';
import { ATTACKS } from './attacks/table.js';
import { buildWeakened, WEAKNESSES } from './attacks/weakened.js';
import { FOSTER } from './support/foster.js';
import { ImagesHome } from './support/image-archive.js';

/**
 * That an attack fails shows something only if it can succeed. So some are made again where the defence is missing: on
 * containers that were given more rights than they should have, and on a foster whose source has been weakened.
 */

const home = new ImagesHome();
const foster = await Engine.foster(home);

after(() => home.assertNoProcess());

describe('with more rights', { concurrency: 3 }, () => {
  for (const attack of ATTACKS) {
    const { name, weakenedBy } = attack;
    if (weakenedBy === undefined) continue;
    test(`${name}: wins with ${weakenedBy.join(' ')}`, async () => {
      const { losses } = await runAttack(attack, foster, weakenedBy);
      assert.notDeepEqual(losses, []);
    });
  }
});

describe('on a weakened foster', async () => {
  // The command beside the tests is built from the same source.
  const program = buildWeakened(join(home.folder, 'weakened'), WEAKNESSES);
  assert.notEqual(program, FOSTER);
  const weakened = await Engine.foster(home, program);
  for (const { file, attacks } of WEAKNESSES) {
    for (const name of attacks) {
      test(`${name}: wins without the defence in ${file}`, async () => {
        const attack = ATTACKS.find((one) => one.name === name);
        assert.ok(attack !== undefined);
        const { losses } = await runAttack(attack, weakened);
        assert.notDeepEqual(losses, []);
      });
    }
  }
});
