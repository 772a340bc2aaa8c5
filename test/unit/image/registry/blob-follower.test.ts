import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BlobFollower } from '../../../../src/image/registry/blob-follower.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-arrival-'));
after(() => rmSync(folder, { recursive: true }));

let number = 0;
function freshFile(content = ''): string {
  const path = join(folder, String(number++));
  writeFileSync(path, content);
  return path;
}

async function all(arrival: BlobFollower): Promise<string> {
  let text = '';
  for await (const piece of arrival.pieces()) text += piece;
  return text;
}

test('existing bytes are read, and the rest as it arrives', async () => {
  const moved: number[] = [];
  const arrival = new BlobFollower((bytes) => moved.push(bytes));
  const path = freshFile();
  arrival.start(path, 0);
  assert.equal(await arrival.hasStarted(), true);
  const pieces = arrival.pieces();
  for (const text of ['one', 'two']) {
    const next = pieces.next();
    appendFileSync(path, text);
    arrival.grow(arrival.size + text.length);
    assert.equal(String((await next).value), text);
  }
  const end = pieces.next();
  rmSync(path); // as when it gets its final name
  arrival.finish();
  assert.equal((await end).done, true);
  assert.deepEqual(moved, [0, 3, 6]);
  assert.equal(arrival.isOneDownload, true);
  arrival.close();
});

test('the end comes after the digest is verified, or a failure instead', async () => {
  const arrival = new BlobFollower();
  arrival.start(freshFile('all'), 3);
  const pieces = arrival.pieces();
  assert.equal(String((await pieces.next()).value), 'all');
  const end = pieces.next();
  arrival.fail(new Error('another digest'));
  await assert.rejects(end, /another digest/);
  await assert.rejects(arrival.waitUntilFinished(), /another digest/);
  arrival.close();
});

test('an earlier partial download may be wrong', async () => {
  const arrival = new BlobFollower();
  arrival.start(freshFile('left'), 4);
  assert.equal(arrival.isOneDownload, false);
  arrival.finish();
  assert.equal(await all(arrival), 'left');
  arrival.close();
});

test('a download that starts over is not read any further', async () => {
  const arrival = new BlobFollower();
  arrival.start(freshFile('wrong'), 5);
  const pieces = arrival.pieces();
  await pieces.next();
  const next = pieces.next();
  arrival.start(freshFile(), 0);
  await assert.rejects(next);
  assert.equal(arrival.isOneDownload, false);
  arrival.finish();
  await arrival.waitUntilFinished();
  arrival.close();
});

test('a blob that is in the store does not arrive', async () => {
  const arrival = new BlobFollower();
  const begun = arrival.hasStarted();
  arrival.finish();
  assert.equal(await begun, false);
  await arrival.waitUntilFinished();
});

test('waiting for it reports the failure', async () => {
  const arrival = new BlobFollower();
  const begun = arrival.hasStarted();
  arrival.fail(new Error('no connection'));
  await assert.rejects(begun, /no connection/);
});
