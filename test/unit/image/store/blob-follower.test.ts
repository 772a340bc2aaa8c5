import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BlobFollower } from '../../../../src/image/store/blob-follower.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-arrival-'));
after(() => rmSync(folder, { recursive: true }));

let number = 0;
function freshFile(content = ''): string {
  const path = join(folder, String(number++));
  writeFileSync(path, content);
  return path;
}

test('a reader waits for bytes that have not arrived', async () => {
  const moved: number[] = [];
  const arrival = new BlobFollower((bytes) => moved.push(bytes));
  const path = freshFile();
  arrival.start(path, 0);
  assert.equal(await arrival.hasStarted(), true);
  for (const text of ['one', 'two']) {
    const before = arrival.size;
    const next = arrival.isLongerThan(before);
    appendFileSync(path, text);
    arrival.grow(before + text.length);
    assert.equal(await next, true);
    assert.equal(await arrival.isLongerThan(before + text.length - 1), true);
  }
  assert.equal(String(arrival.readStart(4)), 'onet');
  const end = arrival.isLongerThan(6);
  rmSync(path); // as when it gets its final name
  arrival.finish();
  assert.equal(await end, false);
  assert.equal(String(arrival.readStart(9)), 'onetwo');
  assert.deepEqual(moved, [0, 3, 6]);
  assert.equal(arrival.isOneDownload, true);
  arrival.close();
});

test('the end comes after the digest is verified, or a failure instead', async () => {
  const arrival = new BlobFollower();
  arrival.start(freshFile('all'), 3);
  assert.equal(await arrival.isLongerThan(2), true);
  const end = arrival.isLongerThan(3);
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
  assert.equal(String(arrival.readStart(9)), 'left');
  arrival.close();
});

test('a download that starts over is not read any further', async () => {
  const arrival = new BlobFollower();
  arrival.start(freshFile('wrong'), 5);
  const next = arrival.isLongerThan(5);
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
