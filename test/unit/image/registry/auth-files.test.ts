import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AuthFile, ownAuthFile } from '../../../../src/image/registry/auth-files.js';
import { credentialsIn } from '../../../../src/image/registry/credentials.js';
import { canonicalRegistryName, isLoopback, registryHost } from '../../../../src/image/registry/names.js';
import { pauseBefore, retryAfter } from '../../../../src/image/registry/retry.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../../../src/sys/surroundings.js';

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });

async function user(file: AuthFile, registry: string, repository?: string): Promise<string | undefined> {
  return (await credentialsIn(file, { registry, repository }, 'test'))?.username;
}

test('the most specific entry wins', async () => {
  const file = { auths: { 'x.y': auth('all:1'), 'x.y/a': auth('a:1'), 'x.y/a/b': auth('ab:1') } };
  assert.equal(await user(file, 'x.y', 'c'), 'all');
  assert.equal(await user(file, 'x.y', 'a/c'), 'a');
  assert.equal(await user(file, 'x.y', 'a/b'), 'ab');
  assert.equal(await user(file, 'x.y'), 'all');
  assert.equal(await user(file, 'x.y:5000', 'a'), undefined);
  assert.equal(await user(file, 'z', 'x.y'), undefined);
});

test("Docker's keys", async () => {
  for (const key of [
    'https://index.docker.io/v1/',
    'docker.io',
    'index.docker.io',
    'https://registry-1.docker.io/v2/',
  ]) {
    assert.equal(await user({ auths: { [key]: auth('me:x') } }, 'docker.io', 'library/alpine'), 'me', key);
  }
  for (const key of ['x.y:5000', 'https://x.y:5000', 'http://x.y:5000/v2/', 'x.y:5000/']) {
    assert.equal(await user({ auths: { [key]: auth('me:x') } }, 'x.y:5000', 'a'), 'me', key);
  }
});

test('passwords with colons, identity tokens, and empty entries', async () => {
  const found = await credentialsIn({ auths: { h: auth('me:a:b\0\0') } }, { registry: 'h' }, 'file');
  assert.deepEqual(found, { username: 'me', password: 'a:b', source: 'file' });
  const token = { auths: { h: { ...auth('me:'), identitytoken: 'abc' } } };
  assert.equal((await credentialsIn(token, { registry: 'h' }, 'file'))?.identityToken, 'abc');
  for (const entry of [{}, { auth: '' }, { auth: 'no colon' }, { auth: 5 as unknown as string }]) {
    assert.equal(await user({ auths: { h: entry } }, 'h'), undefined);
  }
  assert.equal(await user({ auths: [] as unknown as Record<string, never> }, 'h'), undefined);
});

test('names of registries', () => {
  assert.equal(canonicalRegistryName('https://index.docker.io/v1/'), 'docker.io');
  assert.equal(canonicalRegistryName('x.y:5000/'), 'x.y:5000');
  assert.equal(registryHost('docker.io'), 'registry-1.docker.io');
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:5000', '127.1.2.3', '[::1]:80'])
    assert.ok(isLoopback(host), host);
  for (const host of ['127.0.0.1.example.com', 'localhost.example.com', '128.0.0.1', '[::2]'])
    assert.ok(!isLoopback(host), host);
});

test('pauses grow, have an end, and follow Retry-After within bounds', () => {
  assert.ok(pauseBefore(0) <= 250 && pauseBefore(0) >= 150);
  assert.ok(pauseBefore(3) >= 1200);
  assert.ok(pauseBefore(1000) <= 37_500);
  assert.equal(retryAfter(undefined), 0);
  assert.equal(retryAfter('2'), 2000);
  assert.equal(retryAfter('99999999'), 30_000);
  assert.equal(retryAfter('nonsense'), 0);
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(retryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now), 5000);
  assert.equal(retryAfter('Thu, 01 Jan 2025 00:00:05 GMT', now), 0);
});

test('passwords are not stored in a runtime folder that others can write to', (t) => {
  t.after(() => setSurroundings(NO_SURROUNDINGS));
  const folder = mkdtempSync(join(tmpdir(), 'foster-run-'));
  const runtimeFolder = (path: string) =>
    setSurroundings({ ...NO_SURROUNDINGS, env: { XDG_CONFIG_HOME: '/c', XDG_RUNTIME_DIR: path } });
  runtimeFolder(folder);
  const [here, elsewhere] = [join(folder, 'containers/auth.json'), '/c/containers/auth.json'];
  for (const [mode, file] of [
    [0o700, here],
    [0o755, here],
    [0o770, elsewhere],
    [0o1777, elsewhere],
  ] as const) {
    chmodSync(folder, mode);
    assert.equal(ownAuthFile(), file, mode.toString(8));
  }
  rmdirSync(folder);
  assert.equal(ownAuthFile(), elsewhere, 'it is gone');
  runtimeFolder('/usr');
  if (process.getuid?.() !== 0) assert.equal(ownAuthFile(), elsewhere, 'it is not ours');
  runtimeFolder('.');
  assert.equal(ownAuthFile(), elsewhere, 'it is relative');
});
