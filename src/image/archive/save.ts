import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { writeFully } from '../../sys/write.js';
import type { Member } from '../../tar/member.js';
import { TAR_END, tarHeader, tarPadding } from '../../tar/writer.js';
import { throwIfInterrupted, undoUnlessDone } from '../../worker/interrupt.js';
import { writeNewFile } from '../../worker/new-file.js';
import { hasBlob, readBlob } from '../store/blobs.js';
import type { StoredImage } from '../store/images.js';
import { manifestIn } from '../store/manifest-format.js';
import { type Descriptor, type ImageIndex, MEDIA } from '../store/oci.js';
import { REF_NAME } from './oci-archive.js';
import type { SaveFormat } from './save-formats.js';

/** An image, and the full names that it is saved under. */
export interface SavedImage {
  image: StoredImage;
  names: string[];
}

/** A file of an archive: text, or a blob of the store. */
type Content = string | Pick<Descriptor, 'digest' | 'size'>;

/** Receives the files of an archive one after another. */
interface Sink {
  file(name: string, content: Content): Promise<void>;
  directory(name: string): void;
  end(): void;
}

/**
 * Writes images to an archive or directory. Blobs are copied unchanged, so digests stay the same.
 * @param output a path, or undefined for standard output (not for directories)
 * @throws FosterError; an earlier file is then unchanged
 */
export async function saveImages(
  images: SavedImage[],
  format: SaveFormat,
  output: string | undefined,
): Promise<void> {
  for (const { image } of images) checkBlobs(image);
  const write = async (sink: Sink) => {
    await WRITERS[format](images, sink);
    sink.end();
  };
  try {
    if (output === undefined) await write(tarSink(1));
    else if (format === 'oci-dir' || format === 'docker-dir') await writeDirectory(output, write);
    else await writeNewFile(output, (fd) => write(tarSink(fd)));
  } catch (error) {
    if (error instanceof FosterError) throw error;
    const why = errnoWords(errnoNumber(errnoOf(error) ?? ''));
    throw new FosterError(`cannot save to ${output ?? 'standard output'}: ${why}`, { cause: error });
  }
}

const WRITERS: Record<SaveFormat, (images: SavedImage[], sink: Sink) => Promise<void>> = {
  'docker-archive': writeDocker,
  'oci-archive': writeLayout,
  'oci-dir': writeLayout,
  'docker-dir': writeBlobs,
};

function checkBlobs({ manifest, names, id }: StoredImage): void {
  const lost = [manifest.config, ...manifest.layers].find((blob) => !hasBlob(blob));
  if (lost === undefined) return;
  throw new FosterError(`cannot save ${names[0] ?? id}: the image store lacks ${lost.digest}`, {
    advice: 'pull the image again',
  });
}

async function writeDirectory(path: string, write: (sink: Sink) => Promise<void>): Promise<void> {
  const fresh = `${resolve(path)}.${process.pid}.new`;
  await undoUnlessDone(
    async () => {
      mkdirSync(fresh);
      await write(directorySink(fresh));
      try {
        renameSync(fresh, path);
      } catch (error) {
        if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error;
        throw new FosterError(`cannot save to ${path}: it exists and is not an empty directory`, {
          advice: 'give a new name',
        });
      }
    },
    () => rmSync(fresh, { recursive: true, force: true }),
  );
}

/** image-spec, "image-layout.md". */
async function writeLayout(images: SavedImage[], sink: Sink): Promise<void> {
  await sink.file('oci-layout', '{"imageLayoutVersion":"1.0.0"}');
  for (const directory of ['blobs', 'blobs/sha256']) sink.directory(directory);
  const written = new Set<string>();
  for (const { image } of images) {
    const { descriptor, manifest } = image;
    for (const blob of [...manifest.layers, manifest.config, descriptor]) {
      if (written.has(blob.digest)) continue;
      written.add(blob.digest);
      await sink.file(`blobs/sha256/${hexOf(blob.digest)}`, blob);
    }
  }
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: MEDIA.index,
    manifests: images.flatMap(({ image: { descriptor }, names }) => {
      const { mediaType, digest, size } = descriptor;
      const plain = { mediaType, digest, size };
      return names.length === 0
        ? [plain]
        : names.map((name) => ({ ...plain, annotations: { [REF_NAME]: ownName(name, digest) } }));
    }),
  };
  await sink.file('index.json', JSON.stringify(index));
}

/**
 * A pull of NAME@DIGEST by the digest of an index keeps that name, but not the index. The archive has the name with the
 * manifest's digest instead, which can be verified.
 */
function ownName(name: string, digest: string): string {
  return name.replace(/@.*$/s, `@${digest}`);
}

/** The format of `docker load` and `podman load`: each layer once, named by its digest, and a list of images. */
async function writeDocker(images: SavedImage[], sink: Sink): Promise<void> {
  const written = new Set<string>();
  const put = async (name: string, blob: Descriptor) => {
    if (!written.has(name)) await sink.file(name, blob);
    written.add(name);
    return name;
  };
  const list: { Config: string; RepoTags: string[]; Layers: string[] }[] = [];
  for (const { image, names } of images) {
    const { manifest } = image;
    const Layers: string[] = [];
    for (const layer of manifest.layers) Layers.push(await put(`${hexOf(layer.digest)}.tar`, layer));
    const Config = await put(`${hexOf(manifest.config.digest)}.json`, manifest.config);
    // A name with a digest cannot be assigned. Full names, because Podman puts localhost/ before short ones.
    list.push({ Config, RepoTags: names.filter((name) => !name.includes('@')), Layers });
  }
  await sink.file('manifest.json', JSON.stringify(list));
}

/** The directory of containers/image's `dir:`: the files of one image by their digests. */
async function writeBlobs([first, ...others]: SavedImage[], sink: Sink): Promise<void> {
  if (first === undefined) return;
  const { manifest, names, id } = first.image;
  if (others.length > 0)
    throw new FosterError('a docker-dir holds one image only', {
      advice: 'use --format oci-dir, or save them one by one',
      exitCode: 1,
    });
  const document = manifestIn('docker', manifest, names[0] ?? id);
  await sink.file('version', 'Directory Transport Version: 1.1\n');
  const blobs = new Map([manifest.config, ...manifest.layers].map((blob) => [blob.digest, blob]));
  for (const [digest, blob] of blobs) await sink.file(hexOf(digest), blob);
  await sink.file('manifest.json', JSON.stringify(document));
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}

function tarSink(fd: number): Sink {
  const plain: Omit<Member, 'name' | 'size'> = {
    type: 'file',
    target: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    xattrs: new Map(),
  };
  return {
    async file(name, content) {
      const size = typeof content === 'string' ? Buffer.byteLength(content) : content.size;
      writeFully(fd, tarHeader({ ...plain, name, size }));
      if (typeof content === 'string') writeFully(fd, Buffer.from(content));
      else await copyBlob(content.digest, fd);
      writeFully(fd, tarPadding(size));
    },
    directory(name) {
      writeFully(fd, tarHeader({ ...plain, type: 'directory', mode: 0o755, name: `${name}/`, size: 0 }));
    },
    end: () => writeFully(fd, TAR_END),
  };
}

async function copyBlob(digest: string, fd: number): Promise<void> {
  for await (const piece of readBlob(digest)) {
    throwIfInterrupted();
    writeFully(fd, piece as Buffer);
  }
}

function directorySink(directory: string): Sink {
  return {
    async file(name, content) {
      const path = join(directory, name);
      if (typeof content === 'string') {
        writeFileSync(path, content);
        return;
      }
      const fd = openSync(path, 'wx');
      try {
        await copyBlob(content.digest, fd);
      } finally {
        closeSync(fd);
      }
    },
    directory: (name) => mkdirSync(join(directory, name)),
    end() {},
  };
}
