import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TreeWriter } from '../../src/layers/tree-writer.js';
import { FosterError } from '../../src/sys/errors.js';
import { call } from '../../src/sys/ffi.js';
import { TarReader } from '../../src/tar/reader.js';
import { FOSTER } from './support/foster.js';
import { ESCAPED, fuzzRounds, fuzzSeed, randomFrom, randomLayer } from './support/fuzz.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';

/** Random layers are really unpacked: nothing outside the tree is touched, and nothing is left behind. */
const ROUNDS = fuzzRounds(2000);
const WHOLE_ROUNDS = fuzzRounds(20);
const MAX_SIZE = 1 << 20;

/** The part of this file that runs in a user namespace, where trees can be roots. */
interface FuzzResult {
  unpacked: number;
  refused: number;
  /** Of the whole process, bytes. */
  memory: number;
}

function unpackOnce(archive: Buffer, tree: string, top: number): 'unpacked' | 'refused' {
  process.chdir(tree);
  call('int chroot(const char *path)', '.');
  try {
    const writer = new TreeWriter({ hasOneOwner: false, isLayer: true });
    try {
      const reader = new TarReader(writer);
      reader.push(archive);
      if (writer.holes + archive.length > MAX_SIZE) return 'refused';
      if (!reader.isEmpty) reader.end();
      writer.finish();
      return 'unpacked';
    } catch (error) {
      if (error instanceof FosterError) return 'refused';
      throw error;
    } finally {
      writer.close();
    }
  } finally {
    call('int fchdir(int fd)', top);
    call('int chroot(const char *path)', '.');
  }
}

/** What must not change: names, contents, links and times of files outside the tree. */
function snapshot(folder: string): string {
  return readdirSync(folder)
    .map((name) => {
      if (name === 'tree') return name;
      const { mode, uid, size, nlink, mtimeMs, ctimeMs } = lstatSync(`${folder}/${name}`);
      const content = name === 'canary' ? readFileSync(`${folder}/${name}`, 'utf8') : '';
      return [name, mode, uid, size, nlink, mtimeMs, ctimeMs, content].join(' ');
    })
    .join('\n');
}

/** Nothing in the tree is followed. */
function checkTree(folder: Buffer): void {
  for (const name of readdirSync(folder, { encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), name]);
    const info = lstatSync(path);
    assert.ok(
      info.isDirectory() || info.isFile() || info.isSymbolicLink() || info.isFIFO() || info.rdev === 0,
    );
    // Where a file system has no whiteouts, empty files stand for them.
    const isMark = info.isFile() && info.size === 0;
    assert.ok(
      isMark || info.isDirectory() || !name.toString('latin1').startsWith('.wh.'),
      `${name} is there`,
    );
    if (info.isDirectory()) checkTree(path);
  }
}

function fuzz(folder: string, seed: number): FuzzResult {
  process.umask(0);
  const top = openSync('/', 'r');
  const result: FuzzResult = { unpacked: 0, refused: 0, memory: 0 };
  const outside = `${folder}/outside`;
  mkdirSync(outside);
  writeFileSync(`${outside}/canary`, 'untouched');
  const tree = `${folder}/tree`;
  mkdirSync(tree);
  const before = [snapshot(folder), snapshot(outside)];
  const descriptors = readdirSync('/proc/self/fd').length;
  for (let round = 0; round < ROUNDS; round++) {
    const archive = randomLayer(randomFrom(seed + round));
    try {
      result[unpackOnce(archive, tree, top)]++;
      checkTree(Buffer.from(tree));
      assert.ok(
        !existsSync(`${tree}/${ESCAPED}`),
        'something was written through a link that leaves the tree',
      );
      assert.deepEqual([snapshot(folder), snapshot(outside)], before);
      assert.equal(readdirSync('/proc/self/fd').length, descriptors, 'descriptors are left open');
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed + round}: ${archive.toString('base64')}`, { cause: error });
    }
    rmSync(tree, { recursive: true });
    mkdirSync(tree);
  }
  closeSync(top);
  result.memory = process.memoryUsage().rss;
  return result;
}

function runTests(): void {
  const home = new ImagesHome();
  const folder = home.path('fuzz');
  const seed = fuzzSeed();

  test(`${ROUNDS} random layers do not change anything outside their tree`, () => {
    mkdirSync(folder, { mode: 0o755 });
    const self = fileURLToPath(import.meta.url);
    const { status, stdout, stderr } = spawnSync(
      FOSTER,
      ['unshare', process.execPath, self, folder, String(seed)],
      { env: home.env, encoding: 'utf8', timeout: 600_000 },
    );
    assert.equal(status, 0, `${stderr}`);
    const { unpacked, refused, memory } = JSON.parse(stdout) as FuzzResult;
    assert.equal(unpacked + refused, ROUNDS);
    assert.ok(unpacked > ROUNDS / 20 && refused > ROUNDS / 20, stdout);
    assert.ok(memory < 400 << 20, stdout);
  });

  test(`${WHOLE_ROUNDS} images with a random layer are loaded or refused, whole`, async () => {
    for (let round = 0; round < WHOLE_ROUNDS; round++) {
      const layer = randomLayer(randomFrom(seed + round));
      const archive = dockerArchive({ names: ['fuzz'], layers: [BUSYBOX_LAYER, layer] });
      const { status, stderr } = home.foster(['load'], { input: archive });
      const message = `FUZZ_SEED=${seed + round}: ${stderr}`;
      if (status !== 0) {
        assert.equal(status, 125, message);
        assert.match(stderr, /^foster: cannot [^\n]+\n$/, message);
      }
      const { stdout } = home.foster(['images', '-q']);
      assert.equal(stdout !== '', status === 0, message);
      assert.deepEqual(home.stored().leftovers, [], message);
      home.foster(['rmi', 'fuzz']);
    }
    await home.assertNothingLeft();
  });
}

const [, , folder, seed] = process.argv;
if (folder !== undefined && seed !== undefined) console.log(JSON.stringify(fuzz(folder, Number(seed))));
else runTests();
