import { FosterError } from '../../sys/errors.js';
import type { RunMount, SecretMount } from '../dockerfile/run-mounts.js';
import type { Secrets } from '../options.js';
import { type FilesStep, type FilesWork, fileWork } from './files-step.js';

/** What a mount of a RUN shows. */
export interface MountContent {
  mount: RunMount;
  /** What fills it: of a bind mount or a secret always, of a cache only when it is new. */
  work?: FilesWork;
}

/** The path that `work` writes to. */
export const SHOWN = '/shown';

/**
 * What the mounts of a RUN show, of which there may be nothing: a secret that nobody has given.
 * @param filesWork what COPY would write
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
    else if (mount.type === 'cache' && mount.first.from !== undefined)
      work = await filesWork(stepOf(mount.first));
    else if (mount.type === 'secret') {
      const content = secretOf(mount, secrets);
      if (content !== undefined) work = fileWork(SHOWN, content, mount);
    }
    contents.push({ mount, ...(work !== undefined && { work }) });
  }
  return contents;
}

/** `NAME=value` for the secrets that are wanted as variables. @throws FosterError */
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
  throw new FosterError(`there is no secret ${id}`, { advice: `give it: --secret id=${id},src=FILE` });
}

function stepOf({ source, from }: { source: string; from: string | undefined }): FilesStep {
  return {
    sources: [source],
    heredocs: [],
    path: SHOWN,
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
