import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  cachedTree,
  makeTree,
  mapsKey,
  removeLeftovers,
  rootsFolder,
  withLock,
} from '../../../../src/image/rootfs/cache.js';
import {
  fileKey,
  findTreeOfFile,
  isSizeKnown,
  rememberTreeOfFile,
} from '../../../../src/image/rootfs/file-index.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../../../src/sys/surroundings.js';

const base = mkdtempSync(join(tmpdir(), 'foster-cache-'));
setSurroundings({ ...NO_SURROUNDINGS, env: { XDG_DATA_HOME: base } });
after(() => rmSync(base, { recursive: true }));

const map = [{ containerID: 0, hostID: 1000, size: 1 }];
const maps = { uid: map, gid: map, helpers: false };

function temporary(): string[] {
  return readdirSync(rootsFolder()).filter((name) => name.startsWith('tmp-'));
}

test('a tree appears under its name when it is finished, not before', async () => {
  const path = await makeTree(maps, ({ tree }) => {
    writeFileSync(join(tree, 'file'), 'text');
    assert.equal(cachedTree('one'), undefined);
    assert.equal(temporary().length, 1);
    return 'one';
  });
  assert.equal(cachedTree('one'), path);
  assert.deepEqual(readdirSync(path), ['file']);
  assert.deepEqual(readdirSync(join(path, '..')), ['rootfs']);
  assert.deepEqual(temporary(), []);
});

test('a failure leaves nothing', async () => {
  const failing = makeTree(maps, ({ tree }) => {
    mkdirSync(join(tree, 'a/b'), { recursive: true });
    throw new Error('on purpose');
  });
  await assert.rejects(failing, /on purpose/);
  assert.deepEqual(temporary(), []);
});

test('if two processes make the same tree, the first one is kept', async () => {
  const make = (text: string, until: () => Promise<unknown>) =>
    makeTree(maps, async ({ tree }) => {
      writeFileSync(join(tree, text), '');
      await until();
      return 'two';
    });
  let goOn = () => {};
  const isFastMade = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const making = make('slow', () => isFastMade);
  const fast = await make('fast', async () => {});
  goOn();
  const slow = await making;
  assert.equal(slow, fast);
  assert.deepEqual(readdirSync(fast), ['fast']);
  assert.deepEqual(temporary(), []);
});

test('leftovers are removed, but not trees in progress', async () => {
  mkdirSync(join(rootsFolder(), 'tmp-killed/rootfs/etc'), { recursive: true });
  mkdirSync(join(rootsFolder(), 'tmp-killed-early'), { recursive: true });
  const path = await makeTree(maps, async () => {
    assert.equal(await removeLeftovers(), 2);
    assert.equal(temporary().length, 1);
    return 'three';
  });
  assert.ok(existsSync(path));
  assert.equal(await removeLeftovers(), 0);
});

test('a lock is held by one process at a time, and leaves no file behind', async () => {
  let inside = 0;
  const use = async () => {
    assert.equal(++inside, 1);
    await new Promise((done) => setTimeout(done, 5)); // lets the others try; they may only take longer
    inside--;
  };
  await Promise.all([withLock('test', use), withLock('test', use), withLock('test', use)]);
  assert.deepEqual(readdirSync(join(rootsFolder(), 'locks')), []);
});

test('each set of id maps has its own key', () => {
  const others = { ...maps, gid: [{ containerID: 0, hostID: 1001, size: 1 }] };
  assert.match(mapsKey(maps), /^[0-9a-f]{8}$/);
  assert.equal(mapsKey(maps), mapsKey({ ...maps, helpers: true }));
  assert.notEqual(mapsKey(maps), mapsKey(others));
});

test('a file is known until it changes', () => {
  const path = join(base, 'file.tar');
  writeFileSync(path, '12345');
  const key = fileKey(path, maps);
  assert.ok(key !== undefined);
  assert.equal(isSizeKnown(key), false);
  rememberTreeOfFile(key, 'one');
  assert.equal(findTreeOfFile(key), 'one');
  assert.equal(fileKey(path, maps), key);
  utimesSync(path, 1, 1);
  const changed = fileKey(path, maps);
  assert.ok(changed !== undefined && changed !== key);
  assert.equal(findTreeOfFile(changed), undefined);
  assert.equal(isSizeKnown(changed), true);
  assert.equal(fileKey(base, maps), undefined);
});
