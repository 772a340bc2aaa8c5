import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { Command } from 'commander';
import type { ExecRequest } from '../../engine/foreground.js';
import { parseDetachKeys } from '../../spec/parse/detach-keys.js';
import { parseEnv, parseEnvFile } from '../../spec/parse/environment.js';
import { flagError } from '../../spec/parse/flag.js';
import { readFlagFile } from '../../spec/parse/flag-file.js';
import { parseDescriptorCount } from '../../spec/parse/process.js';
import { acceptBooleanValues, addHelpAfter, collect, missingArgument } from '../command.js';
import { front } from '../front.js';
import { checkPreserved } from './preserved-descriptors.js';
import { addLatest, chosenContainer } from './selection.js';
import { checkInput } from './standard-input.js';

interface ExecOptions {
  detach?: boolean;
  interactive?: boolean;
  tty?: boolean;
  env?: string[];
  envFile?: string[];
  workdir?: string;
  user?: string;
  privileged?: boolean;
  latest?: boolean;
  detachKeys?: string;
  preserveFds?: string;
}

/** `foster exec`. */
export function configure(command: Command, argv: string[]): void {
  defineExec(command, argv, async (container, request) => {
    if (!request.detach) await checkInput(request);
    const { exec } = await import('../../engine/foreground.js');
    await exec(container, request);
  });
}

/** The arguments and options of `exec`, for commands that do something else with them. */
export function defineExec(
  command: Command,
  argv: string[],
  use: (container: string, request: ExecRequest) => Promise<void>,
): void {
  command
    .description('Run a command in a running container.')
    .usage('[options] CONTAINER COMMAND [ARG...]')
    .argument('[CONTAINER]', 'its name or id; the start of the id is enough')
    .argument('[COMMAND...]', 'the command and its arguments')
    .passThroughOptions()
    .option('-d, --detach', 'run in the background')
    .option('-i, --interactive', 'keep standard input open')
    .option('-t, --tty', 'allocate a terminal')
    .option(
      '-e, --env <NAME[=VALUE]>',
      'set an environment variable; NAME alone passes on the current value',
      collect,
    )
    .option('--env-file <FILE>', 'read environment variables from a file, one per line', collect)
    .option('-w, --workdir <DIR>', 'working directory in the container')
    .option('-u, --user <USER[:GROUP]>', 'run as this user (name or id) of the container')
    .option('--detach-keys <KEYS>', 'keys that leave it running, with -it (default: ctrl-p,ctrl-q)')
    .option('--preserve-fds <NUMBER>', 'pass on as many descriptors of the caller, from 3 on')
    .option('--privileged', 'give it all capabilities of the container, and no seccomp filter');
  addLatest(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster exec web ps',
    '  foster exec -it web sh                an interactive shell; ctrl-p ctrl-q leaves it running',
    '  foster exec -u nobody -w /tmp web id',
    '  foster exec -itl sh                   in the container that was created last',
    '',
    'Exit codes are the same as for foster run.',
  ]);
  command.action(async (first: string | undefined, others: string[], options: ExecOptions) => {
    const { detach = false, interactive = false, tty = false, latest } = options;
    // with --latest, all words are the command
    const words = latest && first !== undefined ? [first, ...others] : others;
    const keptDescriptors = parseDescriptorCount(options.preserveFds);
    checkPreserved(keptDescriptors);
    const container = await chosenContainer(command, latest ? undefined : first, options);
    if (words.length === 0) missingArgument(command, 'COMMAND');
    await use(container, {
      command: words,
      detach,
      interactive,
      tty,
      env: environmentOf(options),
      workdir: options.workdir === undefined ? undefined : workdirOf(options.workdir),
      user: options.user || undefined,
      privileged: options.privileged ?? false,
      keepsTemplate: front.wantsTemplate,
      keptDescriptors,
      detachKeys: parseDetachKeys(options.detachKeys),
    });
  });
}

const FILES = {
  get cwd() {
    return process.cwd();
  },
  readText: (path: string) => readFileSync(path, 'utf8'),
};

function environmentOf({ env = [], envFile = [] }: ExecOptions): string[] {
  const files = envFile.flatMap((file) =>
    parseEnvFile(readFlagFile('--env-file', file, FILES), file, process.env),
  );
  return [...files, ...env.flatMap((value) => parseEnv(value, process.env))];
}

function workdirOf(value: string): string {
  if (!value.startsWith('/'))
    throw flagError('--workdir', value, 'expected an absolute path in the container');
  return posix.resolve('/', value);
}
