import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { InputReader, joinInputs } from '../../../../src/build/context/inputs.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-inputs-'));
after(() => rmSync(folder, { recursive: true }));

async function joined(inputs: Buffer[][]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of joinInputs(inputs)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The first inputs of what came through the pipe. */
function read(bytes: Buffer, count: number): string[] {
  const path = join(folder, 'pipe');
  writeFileSync(path, bytes);
  const fd = openSync(path, 'r');
  try {
    const reader = new InputReader(fd);
    return Array.from({ length: count }, () => Buffer.concat([...reader.next()]).toString('latin1'));
  } finally {
    closeSync(fd);
  }
}

test('inputs come out of the pipe unchanged', async () => {
  const large = 'x'.repeat(3_000_001);
  const inputs = [['one', '', 'more'], [], ['', ''], [large], ['last']];
  const bytes = await joined(inputs.map((pieces) => pieces.map((piece) => Buffer.from(piece))));
  assert.deepEqual(read(bytes, 5), ['onemore', '', '', large, 'last']);
  for (const size of [0, 2, 5, bytes.length - 1])
    assert.throws(() => read(bytes.subarray(0, size), 5), /input .* is incomplete/);
});
