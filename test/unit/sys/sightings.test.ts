import assert from 'node:assert/strict';
import fs, { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  beginSightings,
  refuseTemplate,
  seeDirectory,
  seeVariable,
  sightings,
  unseen,
} from '../../../src/sys/sightings.js';
import { wire } from '../../../src/sys/wire-constants.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-sightings-'));
const path = (name: string) => join(folder, name);
mkdirSync(path('folder'));
writeFileSync(path('file'), 'text');
symlinkSync('file', path('link'));
after(() => rmSync(folder, { recursive: true, force: true }));

const seen = (name: string) => sightings().files.filter((file) => file.path === path(name));

test('nothing is known before', () => {
  statSync(path('file'));
  seeVariable('A', 'b');
  seeDirectory();
  assert.deepEqual(sightings(), { files: [], variables: [], usesDirectory: false, isOpaque: true });
});

test('what is looked at is recorded, with the numbers that it had before', () => {
  beginSightings();
  const { dev, ino, size, mtimeNs, ctimeNs } = unseen(() => statSync(path('file'), { bigint: true }));
  // as in the bundle, whose modules take the functions from node:fs at each call
  fs.readFileSync(path('file'));
  writeFileSync(path('file'), 'longer text');
  assert.deepEqual(seen('file'), [
    { root: '', path: path('file'), kind: wire.FILE_CONTENT, stamp: [dev, ino, size, mtimeNs, ctimeNs] },
  ]);
  fs.existsSync(path('folder'));
  const info = unseen(() => statSync(path('folder'), { bigint: true }));
  assert.deepEqual(seen('folder')[0]?.stamp, [info.dev, info.ino, info.mode, info.uid, info.gid]);
  fs.readdirSync(path('folder'));
  assert.deepEqual(
    seen('folder').map(({ kind }) => kind),
    [wire.FILE_IDENTITY, wire.FILE_CONTENT],
  );
  fs.lstatSync(path('link'));
  assert.deepEqual(
    seen('link').map(({ kind }) => kind),
    [wire.FILE_CONTENT | wire.FILE_LINK],
  );
  fs.existsSync(path('nothing'));
  assert.deepEqual(seen('nothing')[0]?.stamp, [0n, 0n, 0n, 0n, 0n]);
  fs.closeSync(fs.openSync(path('new'), 'w'));
  assert.deepEqual(seen('new'), [], 'what is written is not read');
  unseen(() => fs.existsSync(path('secret')));
  assert.deepEqual(seen('secret'), []);
  assert.equal(sightings().isOpaque, false);
});

test('files of the kernel have a type, and no content that could be compared', () => {
  fs.existsSync('/proc/self/status');
  const file = sightings().files.find((one) => one.path === '/proc/self/status');
  assert.deepEqual([file?.kind, file?.stamp[0]], [wire.FILE_TYPE, 0o100000n]);
  assert.equal(sightings().isOpaque, false);
});

test('variables and the working directory', () => {
  seeVariable('SET', 'value');
  seeVariable('UNSET', undefined);
  assert.deepEqual(sightings().variables, ['SET=value', 'UNSET']);
  assert.equal(sightings().usesDirectory, false);
  fs.existsSync('relative');
  assert.ok(sightings().files.some((one) => one.path === join(process.cwd(), 'relative')));
});

test('what cannot be compared refuses a template', () => {
  unseen(() => refuseTemplate());
  assert.equal(sightings().isOpaque, false);
  fs.readFileSync('/proc/self/status');
  assert.equal(sightings().isOpaque, true);
});
