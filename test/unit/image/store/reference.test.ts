import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familiarName, formatReference, parseReference } from '../../../../src/image/store/reference.js';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

function whole(text: string): string {
  return formatReference(parseReference(text));
}

test("Docker's defaults", () => {
  assert.equal(whole('alpine'), 'docker.io/library/alpine:latest');
  assert.equal(whole('alpine:3.20'), 'docker.io/library/alpine:3.20');
  assert.equal(whole('me/app'), 'docker.io/me/app:latest');
  assert.equal(whole('index.docker.io/alpine'), 'docker.io/library/alpine:latest');
  assert.equal(whole(`alpine@${DIGEST}`), `docker.io/library/alpine@${DIGEST}`);
  assert.equal(whole(`alpine:3@${DIGEST}`), `docker.io/library/alpine:3@${DIGEST}`);
});

test('a host has a dot, a colon or is localhost', () => {
  for (const host of [
    'localhost',
    'localhost:5000',
    'example.com',
    '[::1]:5000',
    '127.0.0.1:80',
    'Example.com',
  ]) {
    assert.equal(parseReference(`${host}/a/b_c/d__e:1`).registry, host);
  }
  assert.equal(parseReference('example/a').registry, 'docker.io');
});

test('invalid names of images', () => {
  for (const text of [
    '',
    ':1',
    'a:',
    'a@',
    'A',
    'a b',
    'a//b',
    '/a',
    'a/',
    '../a',
    'a/../b',
    'localhost/',
    'x.y/a?b',
    'x.y/a#b',
    'user@host.com/a',
    'https://x.y/a',
    'a:1:2/b',
    `a:${'x'.repeat(129)}`,
    'a@sha256:12',
    `a@md5:${'0'.repeat(32)}`,
    `a@${DIGEST.toUpperCase()}`,
    `x.y/${'a'.repeat(256)}`,
    'a\n',
  ]) {
    assert.throws(() => parseReference(text), /is not a valid image name/, JSON.stringify(text));
  }
  assert.throws(() => parseReference('a'.repeat(256)), /: a name has up to 255 characters$/);
});

test('short names', () => {
  assert.equal(familiarName(parseReference('docker.io/library/alpine')), 'alpine');
  assert.equal(familiarName(parseReference('docker.io/me/app')), 'me/app');
  assert.equal(familiarName(parseReference('localhost:5000/app:1')), 'localhost:5000/app');
});
