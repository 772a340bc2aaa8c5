import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { canDraw } from '../../../../src/image/registry/screen.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../../../src/sys/surroundings.js';

after(() => setSurroundings(NO_SURROUNDINGS));

test('bars are drawn only on a terminal that can move its cursor', () => {
  const terminal = { isTTY: true } as NodeJS.WriteStream;
  setSurroundings({ ...NO_SURROUNDINGS, env: { TERM: 'xterm' } });
  assert.equal(canDraw(terminal), true);
  assert.equal(canDraw(undefined), false);
  assert.equal(canDraw({} as NodeJS.WriteStream), false);
  setSurroundings({ ...NO_SURROUNDINGS, env: { TERM: 'dumb' } });
  assert.equal(canDraw(terminal), false);
});
