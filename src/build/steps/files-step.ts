import { createReadStream } from 'node:fs';
import { posix } from 'node:path';
import { RootFiles } from '../../layers/root-files.js';
import { resolveUser } from '../../spec/users.js';
import { FosterError } from '../../sys/errors.js';
import type { ArchiveCompression } from '../../tar/compression.js';
import { decompress } from '../../tar/decompress.js';
import type { Member } from '../../tar/member.js';
import { TAR_END, tarHeader, tarPadding } from '../../tar/writer.js';
import { archiveCompression } from '../context/archive-compression.js';
import type { ContextFiles } from '../context/context.js';
import type { LayerInput } from '../context/inputs.js';
import { IgnoreRules } from '../context/patterns.js';
import { groupByParents, type Source } from '../context/sources.js';
import type { Dockerfile, Heredoc, Instruction } from '../dockerfile/dockerfile.js';
import { type StageState, variableOf } from '../dockerfile/state.js';
import { expand, jsonWords } from '../dockerfile/words.js';
import { checkMode } from './file-mode.js';
import type { Change, Owner } from './layer-protocol.js';

/** A parsed COPY or ADD. */
export interface FilesStep {
  /** Paths or patterns in the context, or in what `from` names. */
  sources: string[];
  /** What ADD downloads. */
  urls: string[];
  /** `sha256:` and 64 hexadecimal digits, which what is downloaded must have. */
  checksum: string | undefined;
  heredocs: Heredoc[];
  /** Absolute path in the image. */
  path: string;
  isDirectory: boolean;
  from: string | undefined;
  owner: Owner | undefined;
  /** In the format of file-mode.ts. */
  mode: string | undefined;
  /** Patterns of files to skip. */
  excludes: string[];
  keepsParents: boolean;
  /** Whether archives are unpacked, as by ADD. */
  unpacks: boolean;
  /** Text for the history, with variables expanded. */
  text: string;
}

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  COPY: ['from', 'chown', 'chmod', 'link', 'parents', 'exclude'],
  ADD: ['chown', 'chmod', 'link', 'checksum', 'keep-git-dir', 'exclude', 'unpack'],
};
const KNOWN = ['from', 'chown', 'chmod', 'link', 'parents', 'exclude', 'checksum'];

/**
 * Parses a COPY or ADD.
 * @param layers layers of the image so far, whose users --chown may name; if they are not there yet, no names are looked up
 * @throws FosterError
 */
export function readFilesStep(
  instruction: Instruction,
  state: StageState,
  layers: string[] | undefined,
  file: Dockerfile,
): FilesStep {
  const { keyword, flags, heredocs } = instruction;
  const expanded = (text: string) => expand(text, (name) => variableOf(state, name), file);
  const flag = (name: string) => flags.findLast((one) => one.name === name);
  for (const { name } of flags) {
    if (KNOWN.includes(name) && FLAGS[keyword]?.includes(name)) continue;
    const isDockers = FLAGS[keyword]?.includes(name);
    throw new FosterError(
      `${keyword} ${isDockers ? 'does not have' : 'has no flag'} --${name}${isDockers ? ' in foster' : ''}`,
    );
  }
  const words = (jsonWords(instruction.rest) ?? instruction.rest.split(/\s+/).filter(Boolean)).filter(
    (word) => !isHeredoc(word, heredocs),
  );
  const destination = words.pop();
  if (destination === undefined || words.length + heredocs.length === 0) {
    throw new FosterError(`${keyword} expects at least one source and a destination`);
  }
  const all = words.map(expanded);
  const urls = all.filter((source) => keyword === 'ADD' && isURL(source));
  const sources = all.filter((source) => !urls.includes(source));
  const asked = flag('checksum')?.value;
  const checksum = asked === undefined ? undefined : expanded(asked);
  checkURLs(keyword, sources, urls, checksum);
  const target = expanded(destination);
  const several = all.length + heredocs.length > 1;
  if (several && !/\/\.?$/.test(target) && target !== '.') {
    throw new FosterError(
      `${keyword} has several sources, so its destination must be a directory and end with /`,
    );
  }
  const keepsParents = isOn(flag('parents'), 'parents');
  const chmod = flag('chmod')?.value;
  const mode = chmod === undefined ? undefined : expanded(chmod);
  if (mode !== undefined) checkMode(mode);
  const owner = ownerOf(expanded(flag('chown')?.value ?? ''), layers);
  const shownFlags = flags
    .map(({ name, value }) => `--${name}${value === '' ? '' : `=${expanded(value)}`} `)
    .join('');
  return {
    sources,
    urls,
    checksum,
    heredocs: heredocs.map((one) => (one.expands ? { ...one, content: expandBody(one, state, file) } : one)),
    path: posix.resolve(state.config.WorkingDir || '/', target),
    isDirectory: several || keepsParents || /(^|\/)\.?$/.test(target),
    from: ((value) => (value === undefined ? undefined : expanded(value)))(flag('from')?.value),
    owner,
    mode,
    excludes: flags.filter(({ name }) => name === 'exclude').map(({ value }) => expanded(value)),
    keepsParents,
    unpacks: keyword === 'ADD',
    text: `${keyword} ${shownFlags}${[...all, ...heredocs.map(({ name }) => `<<${name}`), target].join(' ')}`,
  };
}

function isHeredoc(word: string, heredocs: Heredoc[]): boolean {
  const name = /^<<-?["']?([^"']+)["']?$/.exec(word)?.[1];
  return heredocs.some((one) => one.name === name);
}

function expandBody({ content }: Heredoc, state: StageState, file: Dockerfile): string {
  return expand(content, (name) => variableOf(state, name), { escape: file.escape, raw: true });
}

function isURL(source: string): boolean {
  return /^https?:\/\//.test(source) && !/\.git(#|$)/.test(source) && URL.canParse(source);
}

/** @throws FosterError for what cannot be downloaded, or not be checked */
function checkURLs(keyword: string, sources: string[], urls: string[], checksum: string | undefined): void {
  const refused = sources.find((source) => /^(https?:\/\/|git@|.*\.git(#|$))/.test(source));
  if (refused !== undefined)
    throw new FosterError(
      keyword === 'COPY'
        ? `COPY ${refused}: COPY takes no URLs`
        : `ADD ${refused}: foster does not support git repositories`,
      {
        advice: keyword === 'COPY' ? 'use ADD' : 'clone it into the context, or use RUN with git',
      },
    );
  if (checksum === undefined) return;
  if (!/^sha256:[0-9a-f]{64}$/.test(checksum))
    throw new FosterError(`--checksum=${checksum}: expected sha256: and 64 hexadecimal digits`);
  if (urls.length !== 1 || sources.length > 0)
    throw new FosterError('ADD --checksum is for a single URL', { advice: 'use an ADD for each' });
}

function isOn(flag: Instruction['flags'][number] | undefined, name: string): boolean {
  if (flag === undefined || flag.value === 'false') return false;
  if (['', 'true'].includes(flag.value)) return true;
  throw new FosterError(`--${name}=${flag.value}: expected true or false`);
}

/** As in Docker: a numeric user is also the group; a named user has its own group. */
function ownerOf(text: string, layers: string[] | undefined): Owner | undefined {
  if (text === '' || layers === undefined) return undefined;
  const root = new RootFiles(layers);
  try {
    const wanted = /^\d+$/.test(text) ? `${text}:${text}` : text;
    const { uid, gid } = resolveUser(wanted, root.read('/etc/passwd'), root.read('/etc/group'));
    return { uid, gid };
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    throw new FosterError(`--chown: ${error.message.replace(/^--user:? */, '')}`, { cause: error });
  } finally {
    root.close();
  }
}

/** The work of a COPY or ADD, and a digest of all that it depends on. */
export interface FilesWork {
  changes: Change[];
  inputs: LayerInput[];
  /** Digest of the content, without the times of files. */
  digest: string;
  /** Whether its files changed after the digest was made and before they were read; known once all inputs have been read. */
  hasChanged?: () => boolean;
}

/** The work of COPY --from, from a tree made of these layers. */
export function workFromLayers(
  { sources, path, isDirectory, owner, mode, excludes, keepsParents }: FilesStep,
  layers: string[],
  digest: string,
): FilesWork {
  const from = { layers, sources, excludes, keepsParents };
  const change: Change = { kind: 'copy', from, path, isDirectory, owner, mode };
  return { changes: [change], inputs: [], digest };
}

/** The work of COPY or ADD from the context. @throws FosterError */
export async function workFromContext(step: FilesStep, context: ContextFiles): Promise<FilesWork> {
  const { path, isDirectory, owner, mode } = step;
  const excludes = step.excludes.length === 0 ? undefined : new IgnoreRules(step.excludes.join('\n'));
  const found = context.find(step.sources, { excludes, keepsParents: step.keepsParents });
  const archives = step.unpacks ? await archivesOf(found, context) : [];
  const copied = found.filter((source) => !archives.some((archive) => archive.source === source));
  const changes: Change[] = archives.map(({ kind }) => ({
    kind: 'unpack',
    isCompressed: kind === 'gzip',
    path,
    owner,
  }));
  const inputs: LayerInput[] = archives.map((archive) => contentOf(archive, context));
  const isInto = isDirectory || found.length > 1;
  for (const [parents, sources] of groupByParents(copied)) {
    const place = posix.join(path, parents);
    changes.push({ kind: 'copy', from: 'input', path: place, isDirectory: isInto, owner, mode });
    inputs.push(context.archive(sources, { excludes }));
  }
  if (step.heredocs.length > 0) {
    changes.push({ kind: 'copy', from: 'input', path, isDirectory, owner, mode });
    inputs.push(heredocArchive(step.heredocs));
  }
  if (found.length === 0) return { changes, inputs, digest: '' };
  const digest = context.digest(found, excludes);
  let isOther = false;
  const look = () => {
    isOther = context.digest(found, excludes) !== digest;
  };
  return { changes, inputs: beforeEnd(inputs, look), digest, hasChanged: () => isOther };
}

/** Calls `look` when the last input has been read. */
function beforeEnd(inputs: LayerInput[], look: () => void): LayerInput[] {
  const last = inputs.at(-1) ?? [];
  async function* whole(): AsyncGenerator<Buffer> {
    yield* last;
    look();
  }
  return [...inputs.slice(0, -1), whole()];
}

const PIECE = 256 * 1024;

interface ArchiveSource {
  source: Source;
  kind: ArchiveCompression;
}

async function archivesOf(sources: Source[], context: ContextFiles): Promise<ArchiveSource[]> {
  const found: ArchiveSource[] = [];
  for (const source of sources) {
    const kind = source.isDirectory ? undefined : await archiveCompression(() => context.open(source));
    if (kind !== undefined) found.push({ source, kind });
  }
  return found;
}

/** The content, uncompressed unless it is gzip, which the helper that makes layers reads itself. */
async function* contentOf({ kind, source }: ArchiveSource, context: ContextFiles): AsyncGenerator<Buffer> {
  const { name } = source;
  const fd = context.open(source);
  if (fd === undefined) throw new FosterError(`${name} is no longer a regular file`);
  const content = createReadStream('', { fd, highWaterMark: PIECE });
  try {
    yield* kind === 'none' || kind === 'gzip' ? content : decompress(content);
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    throw new FosterError(`${name}: ${error.message}`, {
      cause: error,
      ...(error.advice !== undefined && { advice: error.advice }),
    });
  }
}

function heredocArchive(heredocs: Heredoc[]): Buffer[] {
  const members = heredocs.flatMap(({ name, content }) => {
    const bytes = Buffer.from(content);
    const base = Buffer.from(posix.basename(name)).toString('latin1');
    const header = tarHeader({ ...MEMBER, name: base, size: bytes.length, mtime: now() });
    return [header, bytes, tarPadding(bytes.length)];
  });
  return [...members, TAR_END];
}

const MEMBER: Member = {
  name: '',
  type: 'file',
  target: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  xattrs: new Map(),
};

function now(): number {
  return Math.floor(Date.now() / 1000);
}

interface Kind {
  owner: Owner;
  mode: number;
}

/** The work of creating a file. */
export function fileWork(path: string, content: Buffer, { owner, mode }: Kind): FilesWork {
  const header = tarHeader({ ...MEMBER, name: 'file', size: content.length, mtime: now() });
  return oneMember({ path, owner, mode }, [header, content, tarPadding(content.length), TAR_END]);
}

/** The work of creating a directory. */
export function directoryWork(path: string, { owner, mode }: Kind): FilesWork {
  const header = tarHeader({ ...MEMBER, name: './', type: 'directory', mode, ...owner, mtime: now() });
  return oneMember({ path, owner, mode }, [header, TAR_END]);
}

function oneMember(place: { path: string } & Kind, archive: Buffer[]): FilesWork {
  const change: Change = {
    kind: 'copy',
    from: 'input',
    isDirectory: false,
    ...place,
    mode: place.mode.toString(8),
  };
  return { changes: [change], inputs: [archive], digest: '' };
}
