import { openSync, writeFileSync, writeSync } from 'node:fs';
import type { BuildRequest } from '../../engine/builds.js';
import { FosterError } from '../../sys/errors.js';
import { print } from '../output.js';
import { CALLER } from '../surroundings.js';
import type { WantedOutput } from './build-output.js';
import type { BuildFlags } from './build-request.js';
import { progressOutput } from './registry-options.js';

/**
 * Where a build writes its progress: to standard output, or to a file, together with the output of RUN.
 * @param stream 2 for standard error instead, where standard output is for an archive
 */
export function openBuildLog(path: string | undefined, stream: 1 | 2): (text: string) => void {
  if (path === undefined && stream === 1) return print;
  const file = path === undefined ? stream : openSync(path, 'w', 0o666);
  const write = (piece: string | Uint8Array) => void writeSync(file, Buffer.from(piece));
  CALLER.output = write;
  return write;
}

/** Does what the flags request with the built image: writes files, adds it to a list, pushes it. @throws FosterError */
export async function finishBuild(
  id: string,
  { tags, access, isQuiet }: BuildRequest,
  { metadataFile, push, manifest }: Pick<BuildFlags, 'metadataFile' | 'push' | 'manifest'>,
  outputs: readonly WantedOutput[],
): Promise<void> {
  const images = await import('../../engine/images.js');
  if (metadataFile !== undefined) {
    const { digest } = await images.info(id);
    const metadata = {
      'containerimage.config.digest': id,
      'containerimage.digest': digest,
      ...(tags.length > 0 && { 'image.name': tags.join(',') }),
    };
    writeFileSync(metadataFile, `${JSON.stringify(metadata, null, 2)}\n`);
  }
  if (manifest !== undefined) {
    const { createList } = await import('../../engine/manifest-lists.js');
    await createList(manifest, [id], { ...access, amend: true });
  }
  for (const output of outputs) {
    if (output.type === 'registry') continue;
    const { writeOutput } = await import('../../engine/build-output.js');
    await writeOutput(id, output, tags);
  }
  if (!push && !outputs.some(({ type }) => type === 'registry')) return;
  if (tags.length === 0)
    throw new FosterError('build --push needs a name for the image', { advice: 'give -t REGISTRY/NAME' });
  for (const tag of tags)
    await images.push(tag, { ...access, progress: isQuiet ? undefined : progressOutput() });
}
