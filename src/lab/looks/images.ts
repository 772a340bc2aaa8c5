import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOrNot } from '../../container/cgroups.js';
import { findImage } from '../../image/store/images.js';
import { Absent } from '../kernel/world.js';
import type { Look } from '../lab.js';
import { ABSENT } from '../messages.js';
import { fill } from '../text.js';

/** What checks look at in images: OCI image layouts in the lab's folder, and the images of foster. */

/** The number of blobs of a layout whose name is the digest of their content. */
export function wholeBlobs(layout: string): Look {
  return ({ folder }) => ({
    value: blobsIn(join(folder, layout)).filter(isWhole).length,
    from: `sha256(${layout})`,
  });
}

/** The number of blobs of a layout that are something else than their name says. */
export function brokenBlobs(layout: string): Look {
  return ({ folder }) => ({
    value: blobsIn(join(folder, layout)).filter((blob) => !isWhole(blob)).length,
    from: `sha256(${layout})`,
  });
}

/** The number of blobs that a layout leads to from its index: manifests, and their configs and layers. */
export function reachableBlobs(layout: string): Look {
  return ({ folder }) => {
    const blobs = new Map(blobsIn(join(folder, layout)).map((blob) => [`sha256:${blob.name}`, blob.content]));
    const found = new Set<string>();
    const follow = (text: string) => {
      for (const [digest] of text.matchAll(/sha256:[0-9a-f]{64}/g)) {
        const content = blobs.get(digest);
        if (content === undefined || found.has(digest)) continue;
        found.add(digest);
        if (content[0] === OPENING_BRACE) follow(content.toString('utf8'));
      }
    };
    follow(readOrNot(join(folder, layout), 'index.json'));
    return { value: found.size, from: `${layout}/index.json` };
  };
}

/**
 * The id of an image, which is the digest of its config; undefined if there is no image of that name.
 * @param layout what it was to be made from: without that, no image says nothing
 */
export function imageId(name: string, layout: string): Look {
  return ({ folder }) => {
    if (!existsSync(join(folder, layout))) throw new Absent(fill(ABSENT.file, { name: layout }));
    return { value: findImage(name)?.id, from: 'foster image inspect' };
  };
}

/** The number of layers of an image. */
export function imageLayers(name: string): Look {
  return () => ({ value: findImage(name)?.manifest.layers.length, from: 'manifest' });
}

/** The digest of a file in the lab's folder. */
export function digestOf(name: string): Look {
  return ({ folder }) => {
    const path = join(folder, name);
    const content = existsSync(path) ? readFileSync(path) : undefined;
    return { value: content && `sha256:${digest(content)}`, from: `sha256(${name})` };
  };
}

const OPENING_BRACE = '{'.charCodeAt(0);

interface Blob {
  name: string;
  content: Buffer;
}

function blobsIn(layout: string): Blob[] {
  const folder = join(layout, 'blobs/sha256');
  try {
    return readdirSync(folder).map((name) => ({ name, content: readFileSync(join(folder, name)) }));
  } catch {
    return []; // not made yet
  }
}

function isWhole({ name, content }: Blob): boolean {
  return digest(content) === name;
}

function digest(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
