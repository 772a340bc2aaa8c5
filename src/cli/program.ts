import { Command, CommanderError } from 'commander';
import { quoted } from '../spec/parse/flag.js';
import { DRIVER_VARIABLE, parseStorageDriver } from '../spec/storage-driver.js';
import { FosterError } from '../sys/errors.js';
import { addHelpAfter, type CommandModule, prepareCommand, usageError } from './command.js';
import { settings } from './output.js';
import { VERSION } from './version.js';

/** A line of the list of commands. */
export interface CommandEntry {
  name: string;
  /** One line, for `foster --help` and for completion. */
  summary: string;
  /** The heading that it stands under in the help. */
  group: string;
  load: () => Promise<CommandModule>;
}

/** Commands by the headings of the help. Only the module of the one asked for is loaded. */
const GROUPS: [heading: string, commands: Omit<CommandEntry, 'group'>[]][] = [
  [
    'Containers:',
    [
      { name: 'run', summary: 'run a command in a new container', load: () => import('./container/run.js') },
      {
        name: 'create',
        summary: 'make a container without starting it',
        load: () => import('./container/create.js'),
      },
      {
        name: 'start',
        summary: 'start containers that do not run',
        load: () => import('./container/start.js'),
      },
      { name: 'stop', summary: 'ask containers to end', load: () => import('./container/stop.js') },
      {
        name: 'restart',
        summary: 'stop containers and start them again',
        load: () => import('./container/restart.js'),
      },
      { name: 'kill', summary: 'send a signal to containers', load: () => import('./container/kill.js') },
      {
        name: 'pause',
        summary: 'stop all processes of containers where they are',
        load: () => import('./container/pause.js'),
      },
      {
        name: 'unpause',
        summary: 'let paused containers go on',
        load: () => import('./container/unpause.js'),
      },
      {
        name: 'wait',
        summary: 'wait until containers have ended',
        load: () => import('./container/wait.js'),
      },
      {
        name: 'rename',
        summary: 'give a container another name',
        load: () => import('./container/rename.js'),
      },
      {
        name: 'update',
        summary: 'change options of containers',
        load: () => import('./container/update.js'),
      },
      { name: 'rm', summary: 'remove containers', load: () => import('./container/rm.js') },
      {
        name: 'prune',
        summary: 'remove all containers that have ended',
        load: () => import('./container/prune.js'),
      },
    ],
  ],
  [
    'Looking into containers:',
    [
      { name: 'ps', summary: 'list containers', load: () => import('./container/ps.js') },
      {
        name: 'exec',
        summary: 'run a command in a running container',
        load: () => import('./container/exec.js'),
      },
      {
        name: 'attach',
        summary: 'watch a container and type to it',
        load: () => import('./container/attach.js'),
      },
      {
        name: 'logs',
        summary: 'print what a detached container has written',
        load: () => import('./container/logs.js'),
      },
      { name: 'top', summary: 'list the processes of a container', load: () => import('./container/top.js') },
      {
        name: 'stats',
        summary: 'show what containers use of the machine',
        load: () => import('./container/stats.js'),
      },
      {
        name: 'inspect',
        summary: 'show all about containers as JSON',
        load: () => import('./container/inspect.js'),
      },
      {
        name: 'events',
        summary: 'print what happens to containers',
        load: () => import('./system/events.js'),
      },
      {
        name: 'diff',
        summary: 'list the files that a container has changed',
        load: () => import('./container/diff.js'),
      },
      {
        name: 'cp',
        summary: 'copy files into and out of a container',
        load: () => import('./container/cp.js'),
      },
      {
        name: 'export',
        summary: 'write all files of a container to an archive',
        load: () => import('./container/export.js'),
      },
    ],
  ],
  [
    'Images:',
    [
      { name: 'pull', summary: 'download images from a registry', load: () => import('./image/pull.js') },
      { name: 'push', summary: 'upload an image to a registry', load: () => import('./image/push.js') },
      { name: 'build', summary: 'build an image from a Dockerfile', load: () => import('./image/build.js') },
      { name: 'images', summary: 'list images', load: () => import('./image/images.js') },
      { name: 'tag', summary: 'give an image another name', load: () => import('./image/tag.js') },
      { name: 'rmi', summary: 'remove images', load: () => import('./image/rmi.js') },
      {
        name: 'history',
        summary: 'show what an image was made by',
        load: () => import('./image/history.js'),
      },
      { name: 'image', summary: 'manage images', load: () => import('./image/group.js') },
      { name: 'load', summary: 'load images from an archive', load: () => import('./image/load.js') },
      { name: 'save', summary: 'write images to an archive', load: () => import('./image/save.js') },
      {
        name: 'import',
        summary: 'make an image of a root filesystem',
        load: () => import('./image/import.js'),
      },
      {
        name: 'commit',
        summary: 'make an image of a container',
        load: () => import('./container/commit.js'),
      },
      { name: 'login', summary: 'log in to a registry', load: () => import('./image/login.js') },
      {
        name: 'logout',
        summary: 'forget the password for a registry',
        load: () => import('./image/logout.js'),
      },
    ],
  ],
  [
    'foster itself:',
    [
      {
        name: 'info',
        summary: 'show what this machine lets foster do',
        load: () => import('./system/info.js'),
      },
      {
        name: 'system',
        summary: 'manage what foster keeps on this machine',
        load: () => import('./system/group.js'),
      },
      {
        name: 'unshare',
        summary: 'run a command in the user namespace of containers',
        load: () => import('./system/unshare.js'),
      },
      {
        name: 'mount',
        summary: "mount containers' files inside of unshare",
        load: () => import('./container/mount.js'),
      },
      { name: 'umount', summary: "unmount containers' files", load: () => import('./container/umount.js') },
      {
        name: 'completion',
        summary: 'print a completion script for a shell',
        load: () => import('./system/completion.js'),
      },
      { name: 'version', summary: 'show the version of foster', load: () => import('./system/version.js') },
    ],
  ],
];

/** All commands, in the order of the help. */
export const COMMANDS: CommandEntry[] = GROUPS.flatMap(([group, commands]) =>
  commands.map((command) => ({ ...command, group })),
);

/**
 * Runs `foster ARGV...` and returns its exit code.
 * @throws FosterError for what a person can act on
 */
export async function runProgram(argv: string[]): Promise<number> {
  const name = commandName(argv);
  const entry = COMMANDS.find((one) => one.name === name);
  const program = buildProgram(entry === undefined ? COMMANDS : [entry]);
  if (entry !== undefined) {
    const command = program.commands[0];
    if (command !== undefined)
      (await entry.load()).configure(command, argv.slice(argv.indexOf(entry.name) + 1));
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return settings.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // help and version end here too, having printed what was asked for
    if (error.exitCode === 0) return 0;
    if (error.code !== 'commander.help') throw usageError(error, entry?.name);
    // commander takes a missing command, and `help` for an unknown one, for a mistake it need not explain
    if (entry !== undefined && argv.indexOf(entry.name) === argv.length - 1)
      throw new FosterError(`foster ${entry.name} needs a command`, {
        advice: `'foster ${entry.name} --help' lists them`,
      });
    if (name !== undefined)
      throw new FosterError(`unknown command ${quoted(name)}`, { advice: "see 'foster --help'" });
    program.outputHelp();
    return 0;
  }
}

/** The program with commands that know nothing but their summary. */
function buildProgram(entries: CommandEntry[]): Command {
  const program = prepareCommand(new Command('foster'))
    .description('Rootless containers whose PID 1 adopts every orphan and buries every zombie.')
    .usage('[options] COMMAND')
    .version(`foster ${VERSION}`, '-v, --version', 'show the version of foster')
    .helpOption('-h, --help', 'show this help')
    .commandsGroup('foster itself:')
    .helpCommand('help [COMMAND]', 'show the help of a command')
    .option('--debug', 'show where an error comes from')
    .on('option:debug', () => {
      settings.debug = true;
    })
    .option(
      '--storage-driver <DRIVER>',
      'how containers get their files: overlay, fuse-overlayfs or copy; see "foster info"',
    )
    .on('option:storage-driver', (name: string) => {
      process.env[DRIVER_VARIABLE] = parseStorageDriver('--storage-driver', name);
    })
    .enablePositionalOptions()
    .configureHelp({ subcommandTerm: (command) => command.name() });
  for (const { name, summary, group } of entries) {
    program.command(name).summary(summary).helpGroup(group).helpOption('-h, --help', 'show this help');
  }
  return addHelpAfter(program, [
    'Examples:',
    '  foster run -it busybox           a shell in a container',
    '  foster run --rm busybox ps       what a container sees of the machine: itself',
    '  foster ps -a                     all containers, also those that have ended',
    '',
    "Run 'foster COMMAND --help' for the options and examples of a command.",
  ]);
}

/** The command of a command line: its first word that is no option and not the value of one, after `help` the next. */
function commandName(argv: string[]): string | undefined {
  const own = argv.filter((_word, index) => argv[index - 1] !== '--storage-driver');
  const words = own.slice(own.findIndex(isWord)).filter(isWord);
  return words[0] === 'help' ? words[1] : words[0];
}

function isWord(word: string): boolean {
  return !word.startsWith('-');
}
