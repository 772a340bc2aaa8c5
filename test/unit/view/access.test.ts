import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Access, faultOf, tokenOf } from '../../../src/view/access.js';

const PORT = 8000;
const HOST = `127.0.0.1:${PORT}`;

function head(headers: Record<string, string>, url = '/', method = 'GET') {
  return { method, url, headers: { host: HOST, ...headers } };
}

test('a token works once', () => {
  const access = new Access(PORT);
  const [first, second] = [access.newAddress(), access.newAddress()].map((address) => {
    assert.ok(address.startsWith(`http://${HOST}/?token=`));
    return tokenOf(head({}, address.slice(`http://${HOST}`.length))) ?? '';
  });
  assert.equal(access.redeem(first ?? ''), true);
  assert.equal(access.redeem(first ?? ''), false);
  assert.equal(access.redeem(second ?? ''), true);
  assert.equal(access.redeem('x'.repeat(43)), false);
});

test('only a browser with the cookie is known', () => {
  const access = new Access(PORT);
  const cookie = access.cookie.split(';')[0] ?? '';
  assert.match(access.cookie, /; HttpOnly; SameSite=Strict;/);
  assert.equal(access.isKnown(head({ cookie })), true);
  assert.equal(access.isKnown(head({ cookie: `other=1; ${cookie}` })), true);
  assert.equal(access.isKnown(head({ cookie: cookie.slice(0, -1) })), false);
  assert.equal(access.isKnown(head({ cookie: new Access(PORT).cookie.split(';')[0] ?? '' })), false);
  assert.equal(access.isKnown(head({})), false);
});

test('other hosts, other sites and other methods get no answer', () => {
  const token = `/?token=${'x'.repeat(43)}`;
  const followed = {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  };
  const allowed = [
    head({}),
    head({ host: `localhost:${PORT}` }),
    head({ origin: `http://${HOST}` }),
    head({ 'sec-fetch-site': 'same-origin' }),
    head({ 'sec-fetch-site': 'none' }),
    head(followed, token),
  ];
  const refused = [
    head({ host: 'evil.example' }),
    head({ host: `evil.example:${PORT}` }),
    head({ host: '127.0.0.1' }),
    head({ host: '' }),
    head({ origin: 'https://evil.example' }),
    head({ origin: 'null' }),
    head({ origin: `http://localhost:${PORT}` }),
    head({ 'sec-fetch-site': 'same-site' }), // another port of this machine
    head({ 'sec-fetch-site': 'cross-site' }),
    head(followed),
    head({ ...followed, 'sec-fetch-dest': 'iframe' }, token),
    head({ ...followed, 'sec-fetch-mode': 'no-cors' }, token),
    head({}, '/', 'POST'),
  ];
  for (const request of allowed) assert.equal(faultOf(request, PORT), undefined, JSON.stringify(request));
  for (const request of refused) assert.notEqual(faultOf(request, PORT), undefined, JSON.stringify(request));
});
