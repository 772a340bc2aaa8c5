import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { emptyScene } from '../../../src/view/scene.js';
import { Streams } from '../../../src/view/streams.js';

const streams = new Streams();
const answers: boolean[] = [];
const server = createServer((_, response) => {
  const isTaken = streams.add(response, 1, emptyScene());
  answers.push(isTaken);
  if (!isTaken) response.writeHead(503).end();
});
after(() => {
  server.close();
  server.closeAllConnections();
});

async function open(): Promise<IncomingMessage> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  const [response] = await once(
    get({ port: (server.address() as AddressInfo).port, agent: false }),
    'response',
  );
  return response;
}

/** A patch of about a megabyte. */
const LARGE = { at: 2, tables: { networks: { gone: ['x'.repeat(1_000_000)] } }, events: [] };

test('a page that does not read is dropped, and one that reads is not', async () => {
  const [suspended, reading] = [await open(), await open()];
  suspended.pause();
  reading.resume();
  for (let sent = 0; sent < 100 && streams.size === 2; sent++) {
    streams.send(LARGE);
    await new Promise(setImmediate);
  }
  assert.equal(streams.size, 1);
  assert.equal(reading.destroyed, false);
  reading.destroy();
});

test('only so many pages are served at the same time', async () => {
  answers.length = 0;
  const pages = [];
  for (let count = 0; count < 17; count++) pages.push(await open());
  assert.equal(
    pages.filter(({ statusCode }) => statusCode === 503).length,
    answers.filter((each) => !each).length,
  );
  assert.ok(answers.includes(false));
  for (const page of pages) page.destroy();
});
