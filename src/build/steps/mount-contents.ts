import { FosterError } from '../../sys/errors.js';
import type { AgentMount, RunMount, SecretMount } from '../dockerfile/run-mounts.js';
import type { Agents, BuildOptions, Secrets } from '../options.js';
import { type FilesStep, type FilesWork, fileWork } from './files-step.js';

/** The content of a mount of a RUN. */
export interface MountContent {
  mount: RunMount;
  /** Work that fills it: a bind mount or a secret always, a cache only if it is new. */
  work?: FilesWork;
  /** Of an SSH agent: a path on the host. */
  socket?: string;
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
  { secrets, agents }: Pick<BuildOptions, 'secrets' | 'agents'>,
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
    const socket = mount.type === 'ssh' ? agentOf(mount, agents) : undefined;
    contents.push({ mount, ...(work !== undefined && { work }), ...(socket !== undefined && { socket }) });
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

/** `SSH_AUTH_SOCK` for the first agent. */
export function agentVariables(mounts: RunMount[], agents: Agents): string[] {
  const first = mounts.find((mount) => mount.type === 'ssh' && agents.has(mount.id));
  return first?.target === undefined ? [] : [`SSH_AUTH_SOCK=${first.target}`];
}

function agentOf({ id, isRequired }: AgentMount, agents: Agents): string | undefined {
  const socket = agents.get(id);
  if (socket !== undefined || !isRequired) return socket;
  throw new FosterError(`the build has no SSH agent ${id}`, { advice: `pass it with --ssh ${id}` });
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
    urls: [],
    checksum: undefined,
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
