import { posix } from 'node:path';
import { isKernelPath } from '../../spec/image-volumes.js';
import { FosterError } from '../../sys/errors.js';
import type { Owner } from '../steps/layer-protocol.js';

/** `RUN --mount=`: Dockerfile reference. */
export type RunMount = CacheMount | TmpfsMount | BindMount | SecretMount | AgentMount;

export interface CacheMount {
  type: 'cache';
  target: string;
  /** The cache's name: mounts with the same id share their content. */
  id: string;
  isReadOnly: boolean;
  /** Whether only one RUN at a time can use it. */
  isLocked: boolean;
  /** Its initial content; an empty directory with this owner and mode if there is no `from`. */
  initial: { from: string | undefined; source: string; owner: Owner; mode: number };
}

export interface TmpfsMount {
  type: 'tmpfs';
  target: string;
  /** In bytes, as written. */
  size: string | undefined;
}

export interface BindMount {
  type: 'bind';
  target: string;
  /** Path in the context, or in the stage or image that `from` names. */
  source: string;
  from: string | undefined;
  isReadOnly: boolean;
}

export interface SecretMount {
  type: 'secret';
  id: string;
  /** The file that contains it; undefined if only a variable does. */
  target: string | undefined;
  /** The variable that contains it. */
  env: string | undefined;
  isRequired: boolean;
  owner: Owner;
  mode: number;
}

/** The socket of an SSH agent of the host. */
export interface AgentMount {
  type: 'ssh';
  id: string;
  target: string;
  isRequired: boolean;
}

const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  bind: ['target', 'source', 'from', 'ro', 'rw'],
  cache: ['target', 'source', 'from', 'ro', 'rw', 'id', 'sharing', 'mode', 'uid', 'gid'],
  tmpfs: ['target', 'size'],
  secret: ['target', 'id', 'env', 'required', 'mode', 'uid', 'gid'],
  ssh: ['target', 'id', 'required'],
};

const OTHER_NAMES: Readonly<Record<string, string>> = {
  dst: 'target',
  destination: 'target',
  src: 'source',
  readonly: 'ro',
  readwrite: 'rw',
};

/**
 * Parses the value of --mount, whose variables have been expanded.
 * @param directory WORKDIR
 * @throws FosterError
 */
export function readMount(text: string, directory: string): RunMount {
  const options = optionsOf(text);
  const type = options.get('type') ?? 'bind';
  options.delete('type');
  const known = OPTIONS[type];
  if (known === undefined) {
    throw new FosterError(
      `RUN --mount=type=${type} is not supported: foster supports bind, cache, tmpfs, secret and ssh`,
      { advice: 'use one of these' },
    );
  }
  const strange = [...options.keys()].find((name) => !known.includes(name));
  if (strange !== undefined) {
    throw new FosterError(`RUN --mount=type=${type} has no option ${strange}`, {
      advice: `it has ${known.join(', ')}`,
    });
  }
  if (type === 'secret') return readSecret(options, directory);
  if (type === 'ssh') {
    const path = options.get('target') || '/run/foster/ssh_agent.sock';
    const id = options.get('id') || 'default';
    return { type, id, target: targetIn(directory, path), isRequired: isOn(options, 'required') };
  }
  const wanted = options.get('target');
  if (!wanted) throw new FosterError('RUN --mount needs target=PATH');
  const target = targetIn(directory, wanted);
  if (type === 'tmpfs') return { type, target, size: sizeOf(options.get('size')) };
  const source = options.get('source') || '/';
  const from = options.get('from') || undefined;
  const isReadOnly = isOn(options, 'ro');
  if (type === 'bind') return { type, target, source, from, isReadOnly: isReadOnly || !isOn(options, 'rw') };
  const sharing = options.get('sharing') ?? 'shared';
  if (!['shared', 'private', 'locked'].includes(sharing)) {
    throw new FosterError(`RUN --mount: sharing=${sharing}: expected shared, private or locked`);
  }
  const initial = { from, source, owner: ownerOf(options), mode: modeOf(options, 0o755) };
  const id = options.get('id') || target;
  return { type: 'cache', target, id, isReadOnly, isLocked: sharing !== 'shared', initial };
}

/** @throws FosterError for paths that a Dockerfile must not mount on */
function targetIn(directory: string, path: string): string {
  const target = posix.resolve(directory, path);
  if (!isKernelPath(target)) return target;
  throw new FosterError(`RUN --mount: target=${path}: nothing can be mounted in /dev, /proc or /sys`);
}

/** The stage or image that a --mount names, without expanding variables. */
export function mountFrom(text: string): string | undefined {
  return optionsOf(text).get('from') || undefined;
}

function optionsOf(text: string): Map<string, string> {
  return new Map(
    text.split(',').map((part) => {
      const [name = '', ...value] = part.split('=');
      const plain = name.trim().toLowerCase();
      return [OTHER_NAMES[plain] ?? plain, value.join('=')] as const;
    }),
  );
}

function readSecret(options: ReadonlyMap<string, string>, directory: string): SecretMount {
  const target = options.get('target');
  const id = options.get('id') || posix.basename(target ?? '');
  if (id === '') throw new FosterError('RUN --mount=type=secret needs id=NAME');
  const env = options.get('env') || undefined;
  const path = target ?? (env === undefined ? `/run/secrets/${id}` : undefined);
  return {
    type: 'secret',
    id,
    target: path === undefined ? undefined : targetIn(directory, path),
    env,
    isRequired: isOn(options, 'required'),
    owner: ownerOf(options),
    mode: modeOf(options, 0o400),
  };
}

function isOn(options: ReadonlyMap<string, string>, name: string): boolean {
  const value = options.get(name);
  if (value === undefined || value === 'false' || value === '0') return false;
  if (['', 'true', '1'].includes(value)) return true;
  throw new FosterError(`RUN --mount: ${name}=${value}: expected true or false`);
}

function ownerOf(options: ReadonlyMap<string, string>): Owner {
  const number = (name: string) => {
    const value = options.get(name) ?? '0';
    if (/^\d{1,10}$/.test(value)) return Number(value);
    throw new FosterError(`RUN --mount: ${name}=${value}: expected a number`);
  };
  return { uid: number('uid'), gid: number('gid') };
}

function modeOf(options: ReadonlyMap<string, string>, usual: number): number {
  const value = options.get('mode');
  if (value === undefined) return usual;
  if (/^[0-7]{1,4}$/.test(value)) return Number.parseInt(value, 8);
  throw new FosterError(`RUN --mount: mode=${value}: expected an octal number such as 0755`);
}

function sizeOf(value: string | undefined): string | undefined {
  if (value === undefined || /^\d+[kmg]?$/i.test(value)) return value;
  throw new FosterError(`RUN --mount: size=${value}: expected bytes, or a number with k, m or g`);
}
