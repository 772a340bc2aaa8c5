import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isId, nameFrom, parseHostname, parseName, randomId, randomName } from '../../../src/spec/names.js';

test('--name', () => {
  assert.throws(() => parseName('ünï'), { message: /characters A-Z, a-z, 0-9/ });
  assert.throws(() => parseName('a b', 'container name'), { message: /^container name 'a b': / });
  for (const name of ['a', 'ab', 'web-1', 'a.b_c-d', '0x', 'a'.repeat(128)])
    assert.equal(parseName(name), name);
  for (const name of ['', '-', '-ab', '.ab', '_ab', 'a b', 'a/b', '../x', 'é1', 'ab\n', 'a'.repeat(129)]) {
    assert.throws(() => parseName(name), { name: 'FosterError', message: /^--name '/ }, name);
  }
});

test('--hostname', () => {
  for (const name of ['a', 'web-1', 'a.b.c', 'A9', 'x'.repeat(64)]) assert.equal(parseHostname(name), name);
  for (const name of ['', '-a', 'a-', 'a..b', '.a', 'a.', 'a b', 'a/b', 'a\n', 'x'.repeat(65)]) {
    assert.throws(() => parseHostname(name), { name: 'FosterError', message: /^--hostname '/ }, name);
  }
});

test('random ids and names', () => {
  const ids = new Set(Array.from({ length: 50 }, randomId));
  assert.equal(ids.size, 50);
  for (const id of ids) assert.ok(isId(id), id);
  assert.ok(!isId('abc'));
  for (let index = 0; index < 50; index++) assert.match(parseName(randomName()), /^[a-z]+_[a-z]+$/);
});

test('every pair of bytes gives a name', () => {
  for (let byte = 0; byte < 256; byte++)
    assert.match(nameFrom(Uint8Array.of(byte, 255 - byte)), /^[a-z]+_[a-z]+$/);
});
