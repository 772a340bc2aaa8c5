import { mkdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { FosterError } from '../errors.js';
import { buildCacheKey, cacheMountsFolder } from '../image/build-cache.js';
import type { Mount } from '../spec/types.js';
import { commandOf } from './configure.js';
import type { Dockerfile, Instruction } from './dockerfile.js';
import { type StageState, variableOf } from './state.js';
import { expand } from './words.js';

/** RUN, read. */
export interface RunWords {
  argv: string[];
  /** A file that is to be executed: a here-document with a first line such as #!/usr/bin/env python3. */
  script: string | undefined;
  mounts: RunMount[];
  /** Of --network, where it was given. */
  network: 'none' | 'host' | undefined;
}

export interface RunMount {
  type: 'cache' | 'tmpfs';
  target: string;
  /** Of a cache: whose content it shares. */
  id: string;
  isReadOnly: boolean;
}

/** Where a script of RUN is mounted. */
export const SCRIPT = '/dev/foster-script';

/** @throws FosterError */
export function readRun(instruction: Instruction, state: StageState, file: Dockerfile): RunWords {
  const { flags, rest, heredocs, body } = instruction;
  const expanded = (text: string) => expand(text, (name) => variableOf(state, name), file);
  const mounts: RunMount[] = [];
  let network: RunWords['network'];
  for (const { name, value } of flags) {
    if (name === 'mount') mounts.push(readMount(expanded(value), state));
    else if (name === 'network') network = readNetwork(value);
    else
      throw new FosterError(
        `RUN ${name === 'security' ? 'does not have' : 'has no flag'} --${name}${name === 'security' ? ' in foster' : ''}`,
      );
  }
  if (rest === '') throw new FosterError('RUN expects a command');
  const [only] = heredocs;
  const isAlone = heredocs.length === 1 && only !== undefined && /^<<-?\S+$/.test(rest);
  if (isAlone && only.content.startsWith('#!'))
    return { argv: [SCRIPT], script: only.content, mounts, network };
  if (isAlone) return { argv: [...state.shell, only.content], script: undefined, mounts, network };
  const text = body === '' ? rest : `${rest}\n${body}`;
  return {
    argv: body === '' ? commandOf(state, text) : [...state.shell, text],
    script: undefined,
    mounts,
    network,
  };
}

function readNetwork(value: string): 'none' | 'host' | undefined {
  if (value === 'default') return undefined;
  if (value === 'none' || value === 'host') return value;
  throw new FosterError(`RUN --network=${value}: expected default, none or host`);
}

function readMount(text: string, state: StageState): RunMount {
  const options = new Map(
    text.split(',').map((part) => {
      const [name = '', ...value] = part.split('=');
      return [name, value.join('=')] as const;
    }),
  );
  const type = options.get('type') ?? 'bind';
  if (type !== 'cache' && type !== 'tmpfs') {
    throw new FosterError(`RUN --mount=type=${type} is not supported: foster has the types cache and tmpfs`, {
      advice: type === 'bind' ? 'use COPY' : 'give it another way',
    });
  }
  const wanted = options.get('target') ?? options.get('dst') ?? options.get('destination');
  if (!wanted) throw new FosterError('RUN --mount lacks target=PATH');
  const known = ['type', 'target', 'dst', 'destination', 'id', 'sharing', 'ro', 'readonly', 'size'];
  const strange = [...options.keys()].find((name) => !known.includes(name));
  if (strange !== undefined) throw new FosterError(`RUN --mount: the option ${strange} is not supported`);
  const target = posix.resolve(state.config.WorkingDir || '/', wanted);
  return {
    type,
    target,
    id: options.get('id') || target,
    isReadOnly: options.has('ro') || options.has('readonly'),
  };
}

/** A mount of the Spec's. The folder of a cache is made where it is missing, and stays. */
export function mountOf({ type, target, id, isReadOnly }: RunMount): Mount {
  const options = ['nosuid', 'nodev', ...(isReadOnly ? ['ro'] : [])];
  if (type === 'tmpfs') return { destination: target, type, source: 'tmpfs', options };
  const folder = join(cacheMountsFolder(), buildCacheKey(id));
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return { destination: target, type: 'bind', source: folder, options: ['rbind', ...options] };
}

/** As Docker shows it: the command as people wrote it, with the shell. */
export function runText({ argv }: RunWords): string {
  return argv.join(' ');
}
