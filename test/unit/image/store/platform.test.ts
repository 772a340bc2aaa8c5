import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageIndex } from '../../../../src/image/store/oci.js';
import {
  formatPlatform,
  parsePlatform,
  satisfiesPlatform,
  selectManifest,
} from '../../../../src/image/store/platform.js';

function indexOf(...platforms: string[]): ImageIndex {
  const manifests = platforms.map((text) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: text,
    size: 1,
    platform: { ...parsePlatform(text) },
  }));
  return { schemaVersion: 2, manifests };
}

function selected(wanted: string, ...platforms: string[]): string {
  return selectManifest(indexOf(...platforms), parsePlatform(wanted), 'app').digest;
}

test('spellings of platforms', () => {
  assert.equal(formatPlatform(parsePlatform('linux/amd64')), 'linux/amd64');
  assert.equal(formatPlatform(parsePlatform('Linux/x86_64')), 'linux/amd64');
  assert.equal(formatPlatform(parsePlatform('aarch64')), 'linux/arm64');
  assert.equal(formatPlatform(parsePlatform('armhf')), 'linux/arm/v7');
  assert.equal(formatPlatform(parsePlatform('linux/arm/v6')), 'linux/arm/v6');
  for (const text of ['', 'linux', 'a/b/c/d', 'linux/', 'linux/a b', '/amd64']) {
    assert.throws(() => parsePlatform(text), /--platform/, text);
  }
});

test('the newest supported variant is chosen', () => {
  assert.equal(selected('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v8', 'linux/arm/v6'), 'linux/arm/v6');
  assert.equal(selected('linux/arm', 'linux/arm/v6', 'linux/arm/v7'), 'linux/arm/v7');
  assert.equal(selected('linux/arm64', 'linux/arm/v7', 'linux/arm64/v8'), 'linux/arm64/v8');
  assert.equal(selected('linux/amd64', 'linux/amd64/v3', 'linux/amd64'), 'linux/amd64');
  assert.equal(selected('linux/amd64/v3', 'linux/amd64', 'linux/amd64/v2'), 'linux/amd64/v2');
  assert.throws(
    () => selected('linux/amd64', 'linux/amd64/v3', 'linux/s390x'),
    /app is not available for linux\/amd64/,
  );
  assert.throws(() => selected('linux/arm/v6', 'linux/arm/v7'), /is not available/);
});

test('attestations are not a platform, and an index of one image needs none', () => {
  assert.throws(
    () => selected('linux/amd64', 'unknown/unknown', 'windows/amd64'),
    (error: Error & { advice?: string }) => {
      assert.match(error.advice ?? '', /: windows\/amd64$/);
      return true;
    },
  );
  const [entry] = indexOf('linux/arm').manifests;
  assert.ok(entry);
  const { platform: _, ...bare } = entry;
  assert.equal(selectManifest({ schemaVersion: 2, manifests: [bare] }, parsePlatform('amd64'), 'app'), bare);
});

test('an image that is for a platform', () => {
  const amd64 = parsePlatform('amd64');
  assert.ok(satisfiesPlatform({ os: 'linux', architecture: 'amd64' }, amd64));
  assert.ok(
    satisfiesPlatform(
      { os: 'linux', architecture: 'arm64', variant: '' },
      parsePlatform('arm64/v8'.replace('/v8', '')),
    ),
  );
  assert.ok(!satisfiesPlatform({ os: 'linux', architecture: 'amd64', variant: 'v3' }, amd64));
  assert.ok(!satisfiesPlatform({ os: 'windows', architecture: 'amd64' }, amd64));
});
