import { join, posix } from 'node:path';
import { downloadURL } from '../../image/registry/download-url.js';
import { FosterError } from '../../sys/errors.js';
import { ContextFiles, temporaryFolder } from '../context/context.js';
import { type FilesStep, type FilesWork, workFromContext } from './files-step.js';

/**
 * The work of ADD with URLs. The files are downloaded and copied unchanged, even archives, with a mode for the owner only, as
 * in Docker.
 * @param clean run when the work is done
 * @throws FosterError
 */
export async function workFromURLs(
  step: FilesStep,
  clean: (discard: () => void) => void,
): Promise<FilesWork> {
  const { folder, discard } = temporaryFolder();
  clean(discard);
  const works: FilesWork[] = [];
  for (const [index, text] of step.urls.entries()) {
    const url = new URL(text);
    const name = posix.basename(decodeURIComponent(url.pathname));
    if (name === '' && step.isDirectory)
      throw new FosterError(`ADD ${text}: it names no file`, {
        advice: 'give a destination that does not end with /',
      });
    const place = join(folder, String(index));
    const digest = await downloadURL(url, place);
    if (step.checksum !== undefined && digest !== step.checksum)
      throw new FosterError(`ADD ${text}: its digest is ${digest} instead of ${step.checksum}`, {
        advice: 'nothing was kept',
      });
    const files = new ContextFiles({ folder });
    clean(() => files.close());
    const path = step.isDirectory ? posix.join(step.path, name) : step.path;
    works.push(
      await workFromContext(
        {
          ...step,
          sources: [String(index)],
          heredocs: [],
          path,
          isDirectory: false,
          unpacks: false,
          excludes: [],
        },
        files,
      ),
    );
  }
  return joined(works);
}

/** Several works as one, in that order. */
export function joined(works: FilesWork[]): FilesWork {
  return {
    changes: works.flatMap(({ changes }) => changes),
    inputs: works.flatMap(({ inputs }) => inputs),
    digest: works.map(({ digest }) => digest).join(' '),
    hasChanged: () => works.some((work) => work.hasChanged?.()),
  };
}
