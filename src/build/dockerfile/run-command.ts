import { FosterError } from '../../sys/errors.js';
import { commandOf } from './configure.js';
import type { Dockerfile, Instruction } from './dockerfile.js';
import { type RunMount, readMount } from './run-mounts.js';
import { type StageState, variableOf } from './state.js';
import { expand } from './words.js';

/** A parsed RUN. */
export interface RunCommand {
  argv: string[];
  /** A script to execute: a here-document with a first line such as #!/usr/bin/env python3. */
  script: string | undefined;
  mounts: RunMount[];
  /** Value of --network, if given. */
  network: 'none' | 'host' | undefined;
}

/** Where the script of a RUN is mounted. */
export const SCRIPT = '/dev/foster-script';

/** @throws FosterError */
export function readRun(instruction: Instruction, state: StageState, file: Dockerfile): RunCommand {
  const { flags, rest, heredocs, body } = instruction;
  const expanded = (text: string) => expand(text, (name) => variableOf(state, name), file);
  const mounts: RunMount[] = [];
  let network: RunCommand['network'];
  for (const { name, value } of flags) {
    if (name === 'mount') mounts.push(readMount(expanded(value), state.config.WorkingDir || '/'));
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

/** The command as Docker shows it: as written, with the shell. */
export function runText({ argv }: RunCommand): string {
  return argv.join(' ');
}
