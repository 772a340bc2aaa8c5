import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { volumeData, volumeFolder, volumesFolder } from '../../../src/sys/paths.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../../src/sys/surroundings.js';
import { parseVolumeRecord } from '../../../src/volume/record.js';
import {
  adoptStaged,
  clearStaged,
  removeHeldVolume,
  stagedData,
  sweepVolumes,
} from '../../../src/volume/remove.js';
import {
  createVolume,
  findVolume,
  isEmptyVolume,
  isSolo,
  listVolumes,
  lockVolume,
  readVolume,
  shareVolume,
  tryLockVolume,
} from '../../../src/volume/store.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-volumes-'));
after(() => rmSync(folder, { recursive: true, force: true }));
setSurroundings({ ...NO_SURROUNDINGS, env: { XDG_DATA_HOME: folder } });

function create(name: string, isAnonymous = false): number {
  const lock = createVolume(
    { name, labels: { a: 'b' }, options: {}, ...(isAnonymous && { isAnonymous }) },
    { isSolo: isAnonymous },
  );
  assert.ok(lock !== undefined, `${name} is there`);
  return lock;
}

function lockNow(name: string): number {
  const lock = tryLockVolume(name);
  assert.equal(typeof lock, 'number', `the lock of ${name}: ${lock}`);
  return lock as number;
}

test('a volume is created once, with its lock taken', async () => {
  const lock = create('one');
  assert.equal(createVolume({ name: 'one', labels: {}, options: {} }), undefined);
  assert.deepEqual(readVolume('one')?.labels, { a: 'b' });
  assert.equal(tryLockVolume('one'), 'busy');
  await assert.rejects(lockVolume('one', { patience: 50 }), { kind: 'conflict' });
  closeSync(lock);
  const again = await lockVolume('one');
  assert.ok(again !== undefined);
  removeHeldVolume('one', again);
  assert.equal(readVolume('one'), undefined);
  assert.equal(await lockVolume('one'), undefined);
  assert.deepEqual(readdirSync(volumesFolder()), []);
});

test('whoever waits for a volume that is removed and created anew gets the new one', async () => {
  const lock = create('twice');
  const waiting = lockVolume('twice');
  removeHeldVolume('twice', lock);
  const fresh = create('twice');
  closeSync(fresh);
  const got = await waiting;
  assert.ok(got !== undefined);
  assert.equal(tryLockVolume('twice'), 'busy');
  removeHeldVolume('twice', got);
});

test('names, and the start of a random one', () => {
  const [first, second] = [`ab${'0'.repeat(62)}`, `ac${'0'.repeat(62)}`];
  for (const name of ['ab', first, second]) closeSync(create(name, name.length === 64));
  assert.equal(findVolume('ab').name, 'ab');
  assert.equal(findVolume('ab0').name, first);
  assert.throws(() => findVolume('a'), { kind: 'conflict' });
  assert.throws(() => findVolume('b'), { kind: 'not-found' });
  assert.throws(() => findVolume(''), { kind: 'not-found' });
  assert.throws(() => findVolume('../volumes/ab'), { kind: 'not-found' });
  assert.deepEqual(
    listVolumes().map(({ name }) => name),
    ['ab', first, second],
  );
  for (const name of ['ab', first, second]) removeHeldVolume(name, lockNow(name));
});

test('what a killed command has left is removed, but not while a volume is created', () => {
  mkdirSync(join(volumesFolder(), '.new-0123456789abcdef/_data'), { recursive: true });
  mkdirSync(join(volumesFolder(), '.removed-0123456789abcdef/_data/x'), { recursive: true });
  closeSync(create('kept'));
  assert.deepEqual(
    listVolumes().map(({ name }) => name),
    ['kept'],
  );
  sweepVolumes();
  assert.deepEqual(readdirSync(volumesFolder()), ['kept']);
  removeHeldVolume('kept', lockNow('kept'));
});

test('new content comes at once, and not over files that are there', () => {
  const lock = create('filled');
  mkdirSync(stagedData('filled'));
  writeFileSync(join(stagedData('filled'), 'file'), '');
  assert.ok(isEmptyVolume('filled'));
  adoptStaged('filled');
  assert.deepEqual(readdirSync(volumeData('filled')), ['file']);
  assert.ok(!existsSync(stagedData('filled')));
  mkdirSync(stagedData('filled'));
  assert.throws(() => adoptStaged('filled'), { code: 'ENOTEMPTY' });
  clearStaged('filled');
  assert.deepEqual(readdirSync(volumeData('filled')), ['file']);
  removeHeldVolume('filled', lock);
});

test('an anonymous volume is either shared or removed with its container', () => {
  const name = 'cd'.repeat(32);
  const lock = create(name, true);
  assert.ok(isSolo(name));
  assert.ok(shareVolume(name));
  assert.ok(!isSolo(name));
  assert.ok(shareVolume(name), 'a third container shares it, too');
  removeHeldVolume(name, lock);
  const other = create(name, true);
  rmSync(join(volumeFolder(name), 'solo')); // as the monitor does
  assert.ok(!shareVolume(name));
  removeHeldVolume(name, other);
  const named = create('named');
  assert.ok(shareVolume('named'));
  removeHeldVolume('named', named);
});

test('a damaged record hides no files: the volume is listed, and can be removed', () => {
  closeSync(create('broken'));
  writeFileSync(join(volumeFolder('broken'), 'config.json'), '{"name":"bro');
  assert.deepEqual(
    listVolumes().map(({ name, labels }) => [name, labels]),
    [['broken', {}]],
  );
  assert.equal(findVolume('broken').name, 'broken');
  removeHeldVolume('broken', lockNow('broken'));
});

test('records that are none', () => {
  const good = { version: 1, name: 'x', created: '2026-01-01', labels: {}, options: {} };
  assert.ok(parseVolumeRecord(JSON.stringify(good)));
  for (const change of [
    { name: '../x' },
    { name: 1 },
    { labels: { a: 1 } },
    { options: [] },
    { created: null },
  ])
    assert.equal(
      parseVolumeRecord(JSON.stringify({ ...good, ...change })),
      undefined,
      JSON.stringify(change),
    );
  for (const text of ['', 'null', '[]', '{', '"x"']) assert.equal(parseVolumeRecord(text), undefined, text);
});
