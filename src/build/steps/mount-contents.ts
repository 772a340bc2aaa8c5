import { FosterError } from '../../sys/errors.js';
import type { RunMount, SecretMount } from '../dockerfile/run-mounts.js';
import type { Secrets } from '../options.js';
import { type FilesStep, type FilesWork, fileWork } from './files-step.js';

/** The content of a mount of a RUN. */
export interface MountContent {
  mount: RunMount;
  /** Work that fills it: a bind mount or a secret always, a cache only if it is new. */
  work?: FilesWork;
}

/** The path that `work` writes to. */
export const CONTENT_PATH = '/shown';

/**
 * The contents of the mounts of a RUN. Optional secrets that were not given are omitted.
 * @param filesWork returns the work of a COPY
 * @throws FosterError
 */
export async function mountContents(
  mounts: RunMount[],
  secrets: Secrets,
  filesWork: (step: FilesStep) => Promise<FilesWork>,
): Promise<MountContent[]> {
  const contents: MountContent[] = [];
  for (const mount of mounts) {
    let work: FilesWork | undefined;
    if (mount.type === 'bind') work = await filesWork(stepOf(mount));
    else if (mount.type === 'cache' && mount.initial.from !== undefined)
      work = await filesWork(stepOf(mount.initial));
    else if (mount.type === 'secret') {
      const content = secretOf(mount, secrets);
      if (content !== undefined) work = fileWork(CONTENT_PATH, content, mount);
    }
    contents.push({ mount, ...(work !== undefined && { work }) });
  }
  return contents;
}

/** `NAME=value` for secrets in variables. @throws FosterError */
export function secretVariables(mounts: RunMount[], secrets: Secrets): string[] {
  return mounts.flatMap((mount) => {
    if (mount.type !== 'secret' || mount.env === undefined) return [];
    const content = secretOf(mount, secrets);
    return content === undefined ? [] : [`${mount.env}=${content.toString('utf8')}`];
  });
}

function secretOf({ id, isRequired }: SecretMount, secrets: Secrets): Buffer | undefined {
  const content = secrets.get(id);
  if (content !== undefined || !isRequired) return content;
  throw new FosterError(`the build has no secret ${id}`, {
    advice: `pass it with --secret id=${id},src=FILE`,
  });
}

function stepOf({ source, from }: { source: string; from: string | undefined }): FilesStep {
  return {
    sources: [source],
    heredocs: [],
    path: CONTENT_PATH,
    isDirectory: false,
    from,
    owner: undefined,
    mode: undefined,
    excludes: [],
    keepsParents: false,
    unpacks: false,
    text: '',
  };
}
