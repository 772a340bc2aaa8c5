import { posix } from 'node:path';
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { parseDetachKeys } from '../../spec/parse/detach-keys.js';
import { parseEnv } from '../../spec/parse/environment.js';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { existingOf, parseCount, waitBlocking } from './options.js';

interface ExecFlags {
  detach?: boolean;
  env?: string[];
  index?: number;
  interactive: boolean;
  /** false for -T */
  tty?: boolean;
  privileged?: boolean;
  user?: string;
  workdir?: string;
}

/** `foster compose exec`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Run a command in a running container of a service, with a terminal if this is one.')
    .usage('[options] SERVICE COMMAND [ARG...]')
    .argument('<SERVICE>')
    .argument('<COMMAND>')
    .argument('[ARG...]')
    .passThroughOptions()
    .option('-d, --detach', 'run in the background')
    .option(
      '-e, --env <NAME[=VALUE]>',
      'set an environment variable; NAME alone passes on the current value',
      collect,
    )
    .option(
      '--index <NUMBER>',
      'in this container of the service (default: the first)',
      parseCount('--index'),
    )
    .option('-i, --interactive', 'keep standard input open', true)
    .option('-T, --no-tty', 'allocate no terminal (default: as standard input and output are)')
    .option('--privileged', 'give it all capabilities of the container, and no seccomp filter')
    .option('-u, --user <USER[:GROUP]>', 'run as this user (name or id) of the container')
    .option('-w, --workdir <DIR>', 'working directory in the container');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster compose exec db psql -U app',
    '  foster compose exec -T db pg_dump app > dump.sql',
    '  foster compose exec --index 2 web sh',
  ]);
  command.action(async (service: string, program: string, args: string[], flags: ExecFlags) => {
    const { detach = false, privileged = false, workdir, user } = flags;
    if (workdir !== undefined && !workdir.startsWith('/'))
      throw flagError('--workdir', workdir, 'expected an absolute path in the container');
    const existing = await existingOf(command);
    const { containerOf } = await import('../../engine/compose/start.js');
    const { id } = containerOf(existing, service, flags.index);
    const { exec } = await import('../../engine/foreground.js');
    waitBlocking();
    await exec(id, {
      command: [program, ...args],
      detach,
      interactive: flags.interactive && !detach,
      tty: wantsTerminal(flags) && !detach,
      env: (flags.env ?? []).flatMap((value) => parseEnv(value, process.env)),
      workdir: workdir === undefined ? undefined : posix.resolve('/', workdir),
      user,
      privileged,
      detachKeys: parseDetachKeys(undefined),
    });
  });
}

/** As in Docker: a terminal, unless standard input or output is none. */
export function wantsTerminal({ tty }: { tty?: boolean }): boolean {
  return tty !== false && isatty(0) && isatty(1);
}
