import type { Command } from 'commander';
import type { Existing } from '../../engine/compose/end.js';
import type { Project, Wish } from '../../engine/compose/project.js';
import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { setSurroundings } from '../../sys/surroundings.js';
import { collect } from '../command.js';
import { CALLER } from '../surroundings.js';

/** The options of `foster compose` itself, before the name of a command. */
interface ComposeFlags {
  file?: string[];
  projectName?: string;
  projectDirectory?: string;
  envFile?: string[];
  profile?: string[];
  dryRun?: boolean;
}

/** Commands that can say what they would do. */
export const DRY = [
  'up',
  'create',
  'down',
  'start',
  'stop',
  'restart',
  'kill',
  'pause',
  'unpause',
  'rm',
  'pull',
  'build',
];

/** Whether a command is to do nothing. */
export function isDryRun(command: Command): boolean {
  const flags: ComposeFlags = command.opts();
  return flags.dryRun ?? command.parent?.opts<ComposeFlags>().dryRun ?? false;
}

/** @throws FosterError for --dry-run with a command that would do all the same */
function checkDryRun(command: Command): void {
  const name = command.name();
  if (isDryRun(command) && !DRY.includes(name) && !READING.includes(name))
    throw new FosterError(`--dry-run is not supported for foster compose ${name}`, {
      kind: 'unsupported',
      advice: `it is for ${DRY.join(', ')}`,
    });
}

export const DRY_RUN = 'say what would be done, without doing it';

/** Commands that change nothing anyway. */
const READING = ['config', 'events', 'images', 'logs', 'ls', 'port', 'ps', 'top', 'version'];

export function addComposeOptions(command: Command): Command {
  return command
    .option(
      '-f, --file <FILE>',
      'a Compose file; later ones change what earlier ones say; - is standard input',
      collect,
    )
    .option('-p, --project-name <NAME>', 'name of the project (default: that of the folder)')
    .option('--profile <NAME>', 'activate the services of a profile; * for all', collect)
    .option('--env-file <FILE>', 'variables for the files (default: .env)', collect)
    .option('--dry-run', DRY_RUN)
    .option('--project-directory <DIR>', 'where relative paths start (default: the folder of the file)')
    .option('--ansi <WHEN>', 'no effect: colours are used on terminals, unless NO_COLOR is set')
    .option('--progress <TYPE>', 'no effect: progress is printed line by line')
    .option('--parallel <NUMBER>', 'no effect: what can be done at once is')
    .option('--compatibility', 'no effect: names are those of Compose V2');
}

function wishOf(command: Command): Wish {
  const flags = command.parent?.opts<ComposeFlags>() ?? {};
  return {
    choice: {
      files: flags.file ?? [],
      name: flags.projectName,
      folder: flags.projectDirectory,
      envFiles: flags.envFile ?? [],
      profiles: flags.profile ?? [],
    },
    cwd: process.cwd(),
  };
}

/** The project that a command works on. @param named the services that it names. @throws FosterError */
export async function projectOf(command: Command, named: readonly string[]): Promise<Project> {
  checkDryRun(command);
  waitWithoutBlocking();
  const { openProject } = await import('../../engine/compose/project.js');
  return await openProject({ ...wishOf(command), named });
}

/** The project of a command for containers that exist, which may have no files any more. @throws FosterError */
export async function existingOf(command: Command): Promise<Existing> {
  checkDryRun(command);
  waitWithoutBlocking();
  const { findProject } = await import('../../engine/compose/project.js');
  return await findProject(wishOf(command));
}

/** Containers start and end side by side: a wait for one must not hold up the others. */
function waitWithoutBlocking(): void {
  setSurroundings(Object.create(CALLER, { ownsProcess: { value: false } }));
}

/** From here on, this process becomes a container's monitor or client. */
export function waitBlocking(): void {
  setSurroundings(CALLER);
}

export function parseCount(flag: string): (value: string) => number {
  return (value) => {
    if (/^\d{1,9}$/.test(value)) return Number(value);
    throw flagError(flag, value, 'expected a number');
  };
}
