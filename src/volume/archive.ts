import { chmodSync, mkdirSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { exportTree } from '../layers/export-tree.js';
import { feed } from '../layers/feed.js';
import { startTreeProgram } from '../layers/tree-program.js';
import type { UnpackOptions } from '../layers/unpack.js';
import { startUnpacker } from '../layers/unpack.js';
import { defaultIdMaps } from '../spec/choose-id-maps.js';
import { about } from '../sys/about.js';
import { FosterError } from '../sys/errors.js';
import { openInput, streamOf } from '../sys/input.js';
import { volumeData, volumeFolder } from '../sys/paths.js';
import { decompress } from '../tar/decompress.js';
import { onInterrupt } from '../worker/interrupt.js';
import { adoptStaged, clearStaged, stagedData } from './remove.js';

/**
 * Writes the files of a volume as a tar archive, with the ids that containers see by default. Containers may change the
 * files meanwhile.
 * @param path undefined for standard output
 * @throws FosterError; an existing file is then unchanged
 */
export async function exportVolume(name: string, path: string | undefined): Promise<void> {
  const order = {
    action: 'export',
    driver: 'overlay',
    layers: [volumeData(name)],
    folder: volumeFolder(name),
    hasTop: true,
    mountPoints: [],
  } as const;
  try {
    await exportTree(path, (output) => startTreeProgram(order, defaultIdMaps(), output));
  } catch (error) {
    throw about(`cannot export volume ${name}`, error, 1);
  }
}

/**
 * Unpacks a tar archive, which may be compressed, into a volume whose lock we hold. Nothing in it leads out of the volume. An
 * unused, empty volume gets all files or none. In any other volume, existing files stay unless the archive has them, too.
 * @param path undefined for standard input
 * @param isFresh whether the volume is empty and no container uses it
 * @throws FosterError
 */
export async function importVolume(name: string, path: string | undefined, isFresh: boolean): Promise<void> {
  const title = path ?? 'standard input';
  try {
    const input = streamOf(openInput(path));
    try {
      if (isFresh) await unpackFresh(name, input);
      else await unpackInto(volumeData(name), input, { merges: true });
    } finally {
      input.destroy();
    }
  } catch (error) {
    throw about(`cannot import ${title} into volume ${name}`, error, 1);
  }
}

async function unpackFresh(name: string, input: Readable): Promise<void> {
  clearStaged(name);
  try {
    mkdirSync(stagedData(name));
    chmodSync(stagedData(name), 0o755);
    await unpackInto(stagedData(name), input);
    adoptStaged(name);
  } catch (error) {
    clearStaged(name);
    throw error;
  }
}

async function unpackInto(
  folder: string,
  input: Readable,
  options: Pick<UnpackOptions, 'merges'> = {},
): Promise<void> {
  const pieces = decompress(input);
  const unpacking = startUnpacker(folder, 'none', { maps: defaultIdMaps(), ...options });
  const takeBack = onInterrupt(() => {
    input.destroy();
    unpacking.kill();
  });
  try {
    await feed(unpacking, pieces);
    const report = await unpacking.report;
    if ('error' in report) {
      const { error, advice } = report;
      throw new FosterError(error, { exitCode: 1, ...(advice !== undefined && { advice }) });
    }
  } finally {
    takeBack();
  }
}
