import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Interruption } from '../../../src/sys/interruption.js';

test('what is registered after an interrupt, or meanwhile, is undone, too', async () => {
  const interruption = new Interruption();
  const undone: string[] = [];
  const add = (name: string, options?: { last?: boolean }) =>
    interruption.add(() => void undone.push(name), options);
  add('last', { last: true });
  interruption.add(async () => {
    undone.push('first');
    const forget = add('work of an undo function');
    add('meanwhile');
    await new Promise(setImmediate);
    forget();
  });
  await interruption.interrupt();
  assert.deepEqual(undone, ['first', 'meanwhile', 'last']);
  add('late');
  await interruption.undone;
  assert.deepEqual(undone.slice(3), ['late']);
  assert.equal(interruption.isUndoing, false);
});
