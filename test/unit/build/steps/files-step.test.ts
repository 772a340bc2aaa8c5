import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ContextFiles } from '../../../../src/build/context/context.js';
import { type FilesStep, workFromContext } from '../../../../src/build/steps/files-step.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-files-step-'));
after(() => rmSync(folder, { recursive: true }));

const STEP: FilesStep = {
  sources: ['a', 'b'],
  urls: [],
  checksum: undefined,
  heredocs: [],
  path: '/there',
  isDirectory: true,
  from: undefined,
  owner: undefined,
  mode: undefined,
  excludes: [],
  keepsParents: false,
  unpacks: false,
  text: '',
};

/** Whether the work of a COPY says that it read other files than it had a digest of. */
async function hasChanged(meanwhile: () => void): Promise<boolean | undefined> {
  mkdirSync(join(folder, 'b'), { recursive: true });
  writeFileSync(join(folder, 'a'), 'one');
  writeFileSync(join(folder, 'b/file'), 'two');
  const context = new ContextFiles({ folder, name: 'Dockerfile' });
  try {
    const work = await workFromContext(STEP, context);
    meanwhile();
    for (const input of work.inputs) for await (const _ of input);
    return work.hasChanged?.();
  } finally {
    context.close();
  }
}

test('files that change between their digest and their copy are noticed', async () => {
  assert.equal(await hasChanged(() => {}), false);
  assert.equal(await hasChanged(() => writeFileSync(join(folder, 'a'), 'other')), true);
  assert.equal(await hasChanged(() => writeFileSync(join(folder, 'b/new'), '')), true);
});
