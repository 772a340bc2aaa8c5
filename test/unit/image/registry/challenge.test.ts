import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChallenges } from '../../../../src/image/registry/challenge.js';

function parsed(header: string) {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

test("Docker Hub's challenge", () => {
  const header =
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull"';
  const parameters = {
    realm: 'https://auth.docker.io/token',
    service: 'registry.docker.io',
    scope: 'repository:library/alpine:pull',
  };
  assert.deepEqual(parsed(header), [['bearer', parameters]]);
});

test('several challenges, commas and escapes in quotes, blanks and case', () => {
  assert.deepEqual(
    parsed('BASIC Realm = "a, \\"b\\" c=d" ,, charset=utf-8,Bearer scope="x:pull,push", Negotiate'),
    [
      ['basic', { realm: 'a, "b" c=d', charset: 'utf-8' }],
      ['bearer', { scope: 'x:pull,push' }],
      ['negotiate', {}],
    ],
  );
});

test('parsing stops at the first error', () => {
  assert.deepEqual(parsed(''), []);
  assert.deepEqual(parsed('realm="x"'), []);
  assert.deepEqual(parsed('Basic realm="never closed'), [['basic', {}]]);
  assert.deepEqual(parsed('Negotiate YWJj==, Basic realm=x'), [['negotiate', {}]]);
});

test('a long header does not take long', () => {
  const start = Date.now();
  parseChallenges(`Bearer ${'a="\\'.repeat(200_000)}`);
  parseChallenges(`${' ,'.repeat(200_000)}(`);
  parseChallenges('a '.repeat(200_000));
  assert.ok(Date.now() - start < 60_000); // were it as the square of the length, it would be minutes
});
