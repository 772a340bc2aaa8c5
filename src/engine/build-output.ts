import { type RunContext, toRequest } from '../spec/parse/run-request.js';
import { about } from '../sys/about.js';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { makeFolder } from '../sys/paths.js';
import { onInterrupt } from '../worker/interrupt.js';

/** Where a build writes the files of its image (`local`, `tar`), or an archive of the image; undefined for standard output. */
export type BuildOutput = FilesOutput | { type: 'docker' | 'oci'; dest: string | undefined };

type FilesOutput = { type: 'local'; dest: string } | { type: 'tar'; dest: string | undefined };

/**
 * Writes an image that has been built.
 * @param names those that the build has given it, which an archive has, too
 * @throws FosterError
 */
export async function writeOutput(
  id: string,
  output: BuildOutput,
  names: readonly string[] = [],
): Promise<void> {
  if (output.type !== 'local' && output.type !== 'tar') {
    const { save } = await import('./images.js');
    const images = names.length > 0 ? [...names] : [id];
    return await save(images, { format: `${output.type}-archive`, output: output.dest });
  }
  if (output.type === 'local') makeDirectory(output.dest);
  const { create, remove } = await import('./containers.js');
  const container = await create(containerOf(id));
  const removeIt = () => remove(container, { force: true });
  const stopListening = onInterrupt(removeIt, { last: true });
  try {
    await writeFiles(container, output);
  } finally {
    stopListening();
    await removeIt();
  }
}

async function writeFiles(reference: string, output: FilesOutput): Promise<void> {
  const { findContainer } = await import('../container/store.js');
  const container = findContainer(reference);
  if (output.type === 'local') {
    const { unpackContainer } = await import('../container/unpack-container.js');
    return await unpackContainer(container, output.dest);
  }
  const { exportTree } = await import('../layers/export-tree.js');
  const { readTree } = await import('../container/tree.js');
  try {
    await exportTree(output.dest, (fd) => readTree(container, 'export', fd));
  } catch (error) {
    throw about('cannot write the files of the image', error);
  }
}

function makeDirectory(path: string): void {
  try {
    makeFolder(path, 0o777);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    throw new FosterError(`cannot make the directory ${path}: ${errnoWords(errnoNumber(code))}`, {
      cause: error,
    });
  }
}

/** Nothing of the caller's matters: the container never runs. */
const NO_CALLER: RunContext = { cwd: '/', env: {}, exists: () => false, readText: () => '' };

/** An image may have no command, and a user without a name. */
function containerOf(id: string): ReturnType<typeof toRequest> {
  const flags = { pull: 'never', network: ['none'], user: '0', imageVolume: 'ignore', healthcheck: false };
  return toRequest(id, ['/'], flags, [], NO_CALLER);
}
