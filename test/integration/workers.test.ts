import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { FOSTER } from './support/foster.js';

/** Helper programs of foster (src/worker/run-worker.ts), started as foster does it but with other words. */
const WORKERS = ['build-layer-main', 'copy-main', 'tree-main', 'unpack-main'];
const NO_WORKERS = [
  'build-parser-main',
  'build-run-main',
  'doctor-main',
  'namespace-trial-main',
  'own-process-main',
  'unshare-main',
];
const folder = mkdtempSync(join(tmpdir(), 'foster-workers-'));
const dist = dirname(FOSTER);
after(() => rmSync(folder, { recursive: true, force: true }));

async function run(
  program: string,
  { parent, isMapped = true }: { parent: number; isMapped?: boolean },
): Promise<{ code: number | null; report: string }> {
  const order = { layers: [], changes: [], mountPoints: [], volumes: {}, folder, tree: folder, path: '/' };
  writeFileSync(join(folder, 'order'), JSON.stringify({ order, parent, title: 'the helper' }));
  const file = openSync(join(folder, 'order'), 'r');
  const child = spawn(process.execPath, [join(dist, `${program}.cjs`)], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe', file],
  });
  closeSync(file);
  const exited = new Promise<number | null>((done) => child.on('exit', (code) => done(code)));
  const [control, report] = child.stdio.slice(3) as [Writable, Readable];
  control.end(isMapped ? 'g' : '');
  return { report: await text(report), code: await exited };
}

test('all programs in dist/ are known here', () => {
  const programs = readdirSync(dist).filter((name) => name.endsWith('-main.cjs'));
  assert.deepEqual(
    programs.map((name) => name.replace('.cjs', '')).sort(),
    [...WORKERS, ...NO_WORKERS].sort(),
  );
});

for (const program of WORKERS) {
  test(`${program}: does its work for the process that started it`, async () => {
    const { code, report } = await run(program, { parent: process.pid });
    assert.equal(code, 0);
    assert.match(report, /^\{"(done|error)":/);
  });

  test(`${program}: exits if the process that started it is gone`, async () => {
    assert.deepEqual(await run(program, { parent: 1 }), { code: 125, report: '' });
  });

  test(`${program}: exits if its ids are not mapped`, async () => {
    assert.deepEqual(await run(program, { parent: process.pid, isMapped: false }), { code: 125, report: '' });
  });
}
