import { closeSync, openSync } from 'node:fs';
import { changeDefaults } from '../image/store/change-defaults.js';
import { findImage } from '../image/store/images.js';
import { lockStore, unlockStore } from '../image/store/lock.js';
import { makeImage } from '../image/store/new-image.js';
import { type Descriptor, MEDIA } from '../image/store/oci.js';
import { Staging } from '../image/store/staging.js';
import { about } from '../sys/about.js';
import { FosterError } from '../sys/errors.js';
import { undoUnlessDone } from '../worker/interrupt.js';
import { ownDefaults } from './own-defaults.js';
import { anonymousVolumesOf } from './record.js';
import type { Container } from './store.js';
import { writeTree } from './tree.js';

export interface CommitOptions {
  message: string | undefined;
  author: string | undefined;
  /** Instructions of a Dockerfile. */
  changes: string[];
  /** The full name. */
  name: string | undefined;
  includesVolumes: boolean;
  isSquashed: boolean;
}

/**
 * Makes an image from a container: its own image with one more layer. If it was not made from an image, or is to be
 * squashed, the image has one layer with all its files.
 * @returns the image's ID
 * @throws FosterError
 */
export async function commitContainer(container: Container, options: CommitOptions): Promise<string> {
  const { record } = container;
  await lockStore();
  try {
    const base = record.image === undefined ? undefined : findImage(record.image.digest);
    if (record.image !== undefined && base === undefined) {
      throw new FosterError(`the image ${record.image.name} that it was made from is gone`, {
        kind: 'not-found',
        advice: `foster pull ${record.image.name}`,
        exitCode: 1,
      });
    }
    const volumes = options.includesVolumes
      ? anonymousVolumesOf(record).map(({ destination }) => destination)
      : [];
    const changes = [...volumes.map((path) => `VOLUME ${JSON.stringify([path])}`), ...options.changes];
    const defaults = changes.reduce(changeDefaults, ownDefaults(record, base?.config.config));
    const below = options.isSquashed ? undefined : base;
    return await makeImage({
      base: below,
      ...(base !== undefined && { platform: base.config }),
      layer: await stageLayer(container, below === undefined ? 'export' : 'layer'),
      defaults,
      author: options.author,
      history: {
        created: new Date().toISOString(),
        created_by: record.command.join(' '),
        ...(options.message !== undefined && { comment: options.message }),
        ...(options.author !== undefined && { author: options.author }),
      },
      name: options.name,
    });
  } catch (error) {
    throw about(`cannot commit container ${record.name}`, error);
  } finally {
    unlockStore();
  }
}

async function stageLayer(
  container: Container,
  action: 'layer' | 'export',
): Promise<{ descriptor: Descriptor; diffID: string }> {
  const staging = new Staging();
  const layer = await undoUnlessDone(
    async () => {
      const path = staging.reserve();
      const fd = openSync(path, 'wx', 0o600);
      try {
        await writeTree(container, action, fd);
      } finally {
        closeSync(fd);
      }
      const staged = await staging.adopt(path);
      return { descriptor: staging.keep(staged, MEDIA.layer), diffID: staged.digest };
    },
    () => staging.discard(),
  );
  staging.discard();
  return layer;
}
