import { posix } from 'node:path';
import { isVolumeAllowed } from '../../spec/image-volumes.js';
import { parseDuration } from '../../spec/parse/duration.js';
import { parseSignal } from '../../spec/parse/signals.js';
import { type Dockerfile, type Instruction, lineError } from './dockerfile.js';
import { type BuildConfig, type StageState, setVariable, variableOf } from './state.js';
import { expand, expandWords, jsonWords, splitPair, splitWords } from './words.js';

/** Instructions that change only the config of the image, not its files. */

type Configure = (state: StageState, instruction: Instruction, file: Dockerfile) => void;

/**
 * Applies an instruction.
 * @returns false if it is of another kind
 * @throws FosterError that names the line
 */
export function configure(state: StageState, instruction: Instruction, file: Dockerfile): boolean {
  const apply = CONFIGURE[instruction.keyword];
  if (apply === undefined) return false;
  const [flag] = instruction.flags;
  if (flag !== undefined && instruction.keyword !== 'HEALTHCHECK') {
    throw lineError(file.name, instruction.line, `${instruction.keyword} has no flag --${flag.name}`);
  }
  apply(state, instruction, file);
  return true;
}

const CONFIGURE: Readonly<Record<string, Configure>> = {
  ENV(state, instruction, file) {
    for (const [name, value] of pairs(state, instruction, file)) setVariable(state.config, name, value);
  },
  LABEL(state, instruction, file) {
    state.config.Labels = { ...state.config.Labels, ...Object.fromEntries(pairs(state, instruction, file)) };
  },
  USER(state, instruction, file) {
    state.config.User = oneValue(state, instruction, file);
  },
  STOPSIGNAL(state, instruction, file) {
    const value = oneValue(state, instruction, file);
    parseSignal('STOPSIGNAL', value);
    state.config.StopSignal = value;
  },
  MAINTAINER(state, { rest }) {
    state.author = rest;
  },
  EXPOSE(state, instruction, file) {
    const ports = words(state, instruction, file).flatMap((word) => portsOf(word, instruction, file));
    state.config.ExposedPorts = addKeys(state.config.ExposedPorts, ports);
  },
  VOLUME(state, instruction, file) {
    const paths = jsonWords(instruction.rest) ?? splitWords(instruction.rest, file.escape);
    const expanded = paths.map((path) => expandText(state, path, file));
    if (expanded.length === 0 || expanded.includes(''))
      throw lineError(file.name, instruction.line, 'VOLUME expects paths');
    const refused = expanded.find((path) => !isVolumeAllowed(posix.resolve('/', path)));
    if (refused !== undefined) {
      const problem = `VOLUME ${refused}: an image cannot have a volume in /dev, /proc or /sys`;
      throw lineError(file.name, instruction.line, problem);
    }
    state.config.Volumes = addKeys(state.config.Volumes, expanded);
  },
  CMD(state, instruction) {
    state.config.Cmd = commandOf(state, instruction.rest);
    state.hasOwnCommand = true;
  },
  ENTRYPOINT(state, instruction) {
    state.config.Entrypoint = commandOf(state, instruction.rest);
    if (!state.hasOwnCommand) delete state.config.Cmd; // it is for another entry point: Dockerfile reference, "CMD and ENTRYPOINT"
  },
  SHELL(state, { rest, line }, file) {
    const shell = jsonWords(rest);
    if (shell === undefined || shell.length === 0) {
      throw lineError(
        file.name,
        line,
        'SHELL expects a JSON array of strings',
        'such as SHELL ["/bin/bash", "-c"]',
      );
    }
    state.config.Shell = shell;
    state.shell = shell;
  },
  ONBUILD(state, { rest, body, line }, file) {
    const keyword = /^\S*/.exec(rest)?.[0].toUpperCase() ?? '';
    if (['ONBUILD', 'FROM', 'MAINTAINER', ''].includes(keyword)) {
      throw lineError(
        file.name,
        line,
        keyword === '' ? 'ONBUILD expects an instruction' : `ONBUILD ${keyword} is not allowed`,
      );
    }
    const trigger = body === '' ? rest : `${rest}\n${body.trimEnd()}`;
    state.config.OnBuild = [...(state.config.OnBuild ?? []), trigger];
  },
  HEALTHCHECK(state, instruction, file) {
    state.config.Healthcheck = healthcheckOf(state, instruction, file);
  },
};

/** The command of RUN, CMD or ENTRYPOINT, in exec or shell form. */
export function commandOf({ shell }: StageState, text: string): string[] {
  return jsonWords(text) ?? [...shell, text];
}

function expandText(state: StageState, text: string, file: Dockerfile): string {
  return expand(text, (name) => variableOf(state, name), file);
}

function words(state: StageState, { rest }: Instruction, file: Dockerfile): string[] {
  return expandWords(rest, (name) => variableOf(state, name), file);
}

function oneValue(state: StageState, { rest, keyword, line }: Instruction, file: Dockerfile): string {
  const value = expandText(state, rest, file);
  if (value === '') throw lineError(file.name, line, `${keyword} expects a value`);
  return value;
}

/**
 * `NAME=VALUE ...`, or the old form `NAME VALUE`, where the value is the rest of the line. Values can use variables of
 * earlier lines only.
 */
function pairs(
  state: StageState,
  { rest, keyword, line }: Instruction,
  file: Dockerfile,
): [string, string][] {
  const parts = splitWords(rest, file.escape);
  const isOld = parts[0] !== undefined && !parts[0].includes('=');
  const [, oldName = '', oldValue] = /^(\S+)\s+(.*)$/s.exec(rest) ?? [];
  const found: ([string, string] | undefined)[] =
    isOld && oldValue !== undefined ? [[oldName, oldValue]] : parts.map(splitPair);
  const given = found.flatMap((pair) => (pair === undefined ? [] : [pair]));
  if (given.length === 0 || given.length < found.length) {
    const strange = parts.find((part) => splitPair(part) === undefined) ?? '';
    throw lineError(file.name, line, `${keyword} expects NAME=VALUE`, `'${strange}' has no =`);
  }
  return given.map(([name, value]) => [expandText(state, name, file), expandText(state, value, file)]);
}

function addKeys(known: Record<string, object> | undefined, added: string[]): Record<string, object> {
  return { ...known, ...Object.fromEntries(added.map((key) => [key, {}])) };
}

/** `80`, `80/udp`, `8000-8010`. */
function portsOf(word: string, { line }: Instruction, file: Dockerfile): string[] {
  const [, first = '', last = first, protocol = 'tcp'] =
    /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (!(from >= 1 && to >= from && to <= 65535)) {
    throw lineError(
      file.name,
      line,
      `EXPOSE: '${word}' is not a port`,
      'expected a port such as 80, 53/udp or 8000-8010',
    );
  }
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`);
}

type Healthcheck = NonNullable<BuildConfig['Healthcheck']>;

const NANOSECONDS = 1_000_000;
const TIMES: Readonly<Record<string, 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval'>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
};

function healthcheckOf(state: StageState, instruction: Instruction, file: Dockerfile): Healthcheck {
  const { flags, rest, line } = instruction;
  const [, kind = '', text = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [];
  const fail = (problem: string) => lineError(file.name, line, `HEALTHCHECK: ${problem}`);
  if (kind.toUpperCase() === 'NONE' && text === '') return { Test: ['NONE'] };
  if (kind.toUpperCase() !== 'CMD' || text === '') throw fail('expected NONE or CMD with a command');
  const exec = jsonWords(text);
  const check: Healthcheck = {
    Test: exec === undefined ? ['CMD-SHELL', text] : ['CMD', ...exec],
  };
  for (const { name, value } of flags) {
    const expanded = expandText(state, value, file);
    const time = TIMES[name];
    if (time !== undefined) check[time] = parseDuration(`--${name}`, expanded) * NANOSECONDS;
    else if (name !== 'retries') throw fail(`unknown flag --${name}`);
    else if (/^[1-9]\d{0,5}$/.test(expanded)) check.Retries = Number(expanded);
    else throw fail(`--retries '${expanded}': expected a number from 1`);
  }
  return check;
}

/** The directory of a WORKDIR, relative to the previous one. */
export function workingDirectory(state: StageState, instruction: Instruction, file: Dockerfile): string {
  const value = oneValue(state, instruction, file);
  return posix.resolve(state.config.WorkingDir || '/', value);
}
