import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseSources } from '../../../../rootfs/debian.js';
import { interpreterOf } from '../../../../rootfs/elf.js';
import { findRecipe, RECIPE_NAMES } from '../../../../src/image/rootfs/recipe.js';
import { FosterError } from '../../../../src/sys/errors.js';
import { compressionOf } from '../../../../src/tar/compression.js';
import { withCaller } from '../../../../src/worker/start-worker.js';

test('only recipes are found by their names', async () => {
  for (const name of RECIPE_NAMES) assert.equal((await findRecipe(name))?.name, name);
  for (const name of ['', 'toString', 'constructor', './busybox'])
    assert.equal(await findRecipe(name), undefined);
});

test('the compression is determined by the first bytes', () => {
  assert.equal(compressionOf(Buffer.from('1f8b0800', 'hex')), 'gzip');
  assert.equal(compressionOf(Buffer.from('28b52ffd24', 'hex')), 'zstd');
  assert.equal(compressionOf(Buffer.from('usr/')), 'none');
  assert.throws(
    () => compressionOf(Buffer.from('fd377a585a000004', 'hex')),
    (error) => error instanceof FosterError && /compressed with xz/.test(error.message),
  );
});

test("apt's sources, in both formats", () => {
  const line = 'deb [arch=amd64] http://ftp.de.debian.org/debian/ trixie main\n';
  assert.deepEqual(parseSources(`# a comment\ndeb http://other.example/x y main\n${line}`), {
    mirror: 'http://ftp.de.debian.org/debian/',
    suite: 'trixie',
  });
  const stanzas = [
    'Types: deb\nURIs: http://deb.debian.org/debian-security\nSuites: bookworm-security\nComponents: main',
    'Types: deb\n# a comment\nURIs: http://deb.debian.org/debian\nSuites: bookworm bookworm-updates\nComponents: main',
  ];
  assert.deepEqual(parseSources(stanzas.join('\n\n')), {
    mirror: 'http://deb.debian.org/debian',
    suite: 'bookworm',
  });
  assert.equal(parseSources('deb http://archive.ubuntu.com/ubuntu noble main\n'), undefined);
});

test('the loader of a program', () => {
  assert.match(interpreterOf(process.execPath) ?? '', /^\/.*ld-/);
  const script = `/tmp/foster-elf-${process.pid}`;
  writeFileSync(script, '#!/bin/sh\n');
  try {
    assert.equal(interpreterOf(script), undefined);
  } finally {
    rmSync(script);
  }
});

test('the caller gets an id for unpacking if the maps do not have his', () => {
  const own = process.getuid?.() ?? 0;
  const ranges = [{ containerID: 0, hostID: own + 100_000, size: 65_536 }];
  const group = [{ containerID: 0, hostID: process.getgid?.() ?? 0, size: 1 }];
  assert.deepEqual(withCaller({ uid: ranges, gid: group, helpers: true }), {
    uid: [...ranges, { containerID: 65_536, hostID: own, size: 1 }],
    gid: group,
    helpers: true,
  });
});
