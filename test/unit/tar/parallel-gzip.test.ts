import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parallelGzip } from '../../../src/tar/parallel-gzip.js';

async function compressed(pieces: Buffer[]): Promise<Buffer> {
  const members: Buffer[] = [];
  for await (const member of parallelGzip(pieces)) members.push(member);
  return Buffer.concat(members);
}

test('parallel compression is lossless, in order and deterministic', async () => {
  const pieces = Array.from({ length: 40 }, (_, index) =>
    Buffer.concat([randomBytes(1000), Buffer.alloc(250_000, index)]),
  );
  const once = await compressed(pieces);
  assert.deepEqual(gunzipSync(once), Buffer.concat(pieces));
  assert.deepEqual(await compressed(pieces), once);
  assert.ok(once.length < 100_000, `it is smaller: ${once.length}`);
});

test('an error of the input is passed on', async () => {
  function* failing(): Generator<Buffer> {
    yield Buffer.alloc(2_000_000);
    throw new Error('no more');
  }
  await assert.rejects(async () => {
    for await (const _ of parallelGzip(failing()));
  }, /no more/);
});
