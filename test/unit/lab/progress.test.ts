import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { latestLab, parseProgress, readProgress, writeProgress } from '../../../src/lab/progress.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../../src/sys/surroundings.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-labs-'));
after(() => rmSync(folder, { recursive: true }));
setSurroundings({ ...NO_SURROUNDINGS, env: { XDG_DATA_HOME: folder } });

test('progress is kept, and the lab that was used last is known', () => {
  assert.equal(latestLab(), undefined);
  assert.equal(readProgress('zombies', 4), undefined);
  const progress = { version: 1 as const, lab: 'zombies', step: 2, predictions: [1, null, null, null] };
  writeProgress(progress);
  writeProgress({ ...progress, lab: 'pods' });
  utimesSync(join(folder, 'foster/labs/pods.json'), 1, 1);
  assert.equal(latestLab(), 'zombies');
  assert.deepEqual(readProgress('zombies', 4), progress);
});

test('progress that cannot be right is not used', () => {
  const good = { version: 1, lab: 'zombies', step: 4, predictions: [0, null] };
  assert.ok(parseProgress(JSON.stringify(good), 'zombies', 4) !== undefined);
  for (const change of [
    { version: 2 },
    { lab: 'pods' },
    { step: 5 },
    { step: -1 },
    { step: 0.5 },
    { step: '1' },
    { predictions: {} },
    { predictions: ['a'] },
    { predictions: [0, 0, 0, 0, 0] },
  ])
    assert.equal(parseProgress(JSON.stringify({ ...good, ...change }), 'zombies', 4), undefined);
  for (const text of ['', '[', 'null', '1', '[]']) assert.equal(parseProgress(text, 'zombies', 4), undefined);
  writeFileSync(join(folder, 'foster/labs/zombies.json'), '{');
  assert.throws(() => readProgress('zombies', 4), /zombies\.json is damaged/);
});
