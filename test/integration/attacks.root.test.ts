import { after, describe, test } from 'node:test';
import { Engine } from './attacks/engine.js';
import { lockMachine } from './attacks/machine-lock.js';
import { mustHold } from './attacks/results.js';
import { ATTACKS } from './attacks/table.js';
import { ImagesHome } from './support/image-archive.js';

/** The attacks that are others where foster is root's: root in the container must not be the host's. */

lockMachine();
const home = new ImagesHome();
const foster = await Engine.foster(home);

after(() => home.assertNoProcess());

// One after the other: they look at the settings of the kernel, which one of them may have changed.
describe('attacks, as root', () => {
  for (const attack of ATTACKS.filter(({ alsoAsRoot }) => alsoAsRoot))
    test(attack.name, () => mustHold(attack, foster, 'foster, as root'));
});
