import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Descriptor, Platform } from '../../../src/image/store/oci.js';
import { type TestMember, tar } from './tar.js';

/** A layer to make: its members, and its compression. */
export interface TestLayer {
  members: TestMember[];
  compression?: 'gzip' | 'zstd' | 'none';
}

export interface TestImage {
  layers: TestLayer[];
  platform?: Platform;
  /** With Docker's media types instead of OCI's. */
  isDocker?: boolean;
  config?: Record<string, unknown>;
}

export interface BuiltImage {
  manifest: Descriptor;
  config: Descriptor;
  layers: Descriptor[];
}

export const AMD64: Platform = { os: 'linux', architecture: 'amd64' };
export const OWN: Platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Blobs by digest, and images by name: image-spec, "image-layout.md". */
export class OciLayout {
  readonly blobs = new Map<string, Buffer>();
  readonly names = new Map<string, Descriptor>();

  blob(bytes: Buffer, mediaType: string): Descriptor {
    const digest = sha256(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  json(document: object, mediaType: string): Descriptor {
    return this.blob(Buffer.from(JSON.stringify(document)), mediaType);
  }

  /** Adds an image, under a name if it has one. */
  image({ layers, platform = OWN, isDocker = false, config = {} }: TestImage, name?: string): BuiltImage {
    const family = isDocker ? 'application/vnd.docker' : 'application/vnd.oci';
    const packed = layers.map(({ members, compression = 'gzip' }) => {
      const plain = tar(...members);
      const type = isDocker
        ? `${family}.image.rootfs.diff.tar.gzip`
        : `${family}.image.layer.v1.tar${compression === 'none' ? '' : `+${compression}`}`;
      return { diffId: sha256(plain), descriptor: this.blob(pack(plain, compression), type) };
    });
    const document = {
      ...platform,
      config,
      rootfs: { type: 'layers', diff_ids: packed.map(({ diffId }) => diffId) },
    };
    const configType = isDocker ? `${family}.container.image.v1+json` : `${family}.image.config.v1+json`;
    const manifestType = isDocker
      ? `${family}.distribution.manifest.v2+json`
      : `${family}.image.manifest.v1+json`;
    const configDescriptor = this.json(document, configType);
    const descriptors = packed.map(({ descriptor }) => descriptor);
    const manifest = this.json(
      { schemaVersion: 2, mediaType: manifestType, config: configDescriptor, layers: descriptors },
      manifestType,
    );
    if (name !== undefined) this.names.set(name, manifest);
    return { manifest, config: configDescriptor, layers: descriptors };
  }

  /** Adds an index of images, each with its platform. */
  index(images: [Platform, Descriptor][], name: string, isDocker = false): Descriptor {
    const mediaType = isDocker
      ? 'application/vnd.docker.distribution.manifest.list.v2+json'
      : 'application/vnd.oci.image.index.v1+json';
    const manifests = images.map(([platform, descriptor]) => ({ ...descriptor, platform }));
    const descriptor = this.json({ schemaVersion: 2, mediaType, manifests }, mediaType);
    this.names.set(name, descriptor);
    return descriptor;
  }

  /** Writes it as an OCI image layout. Returns the folder. */
  write(folder: string): string {
    mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
    for (const [digest, bytes] of this.blobs) {
      writeFileSync(join(folder, 'blobs/sha256', digest.slice('sha256:'.length)), bytes);
    }
    const manifests = [...this.names].map(([name, descriptor]) => ({
      ...descriptor,
      annotations: { 'org.opencontainers.image.ref.name': name },
    }));
    writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    return folder;
  }
}

function pack(plain: Buffer, compression: 'gzip' | 'zstd' | 'none'): Buffer {
  if (compression === 'none') return plain;
  if (compression === 'gzip') return gzipSync(plain);
  return spawnSync('zstd', ['-q', '-c'], { input: plain, maxBuffer: 1 << 30 }).stdout;
}
