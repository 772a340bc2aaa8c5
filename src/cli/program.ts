import { Command, CommanderError } from 'commander';
import { FosterError } from '../sys/errors.js';
import { addHelpAfter, type CommandEntry, prepareCommand } from './command.js';
import { COMMANDS } from './commands.js';
import { COMPLETE } from './complete-command.js';
import { addGlobalOptions, withoutGlobalOptions } from './global-options.js';
import { HELP_LAYOUT } from './help-layout.js';
import { bareCommand } from './mentioned-options.js';
import { print, settings } from './output.js';
import { VERSION } from './version.js';

/**
 * Runs `foster ARGV...` and returns its exit code.
 * @throws FosterError for a failure that users can act on
 */
export async function runProgram(argv: string[]): Promise<number> {
  if (argv[0] === COMPLETE) {
    const { complete, formatCompletions } = await import('./system/complete.js');
    print(formatCompletions(await complete(argv.slice(1), buildProgram(COMMANDS), COMMANDS)));
    return 0;
  }
  const name = commandName(argv);
  const entry = COMMANDS.find((one) => one.name === name);
  const result = entry && (await runBare(entry, argv));
  if (result !== undefined) return result;
  const program = buildProgram(entry === undefined ? COMMANDS : [entry]);
  if (entry !== undefined) {
    const command = program.commands[0];
    if (command !== undefined)
      await (await entry.load()).configure(command, argv.slice(argv.indexOf(entry.name) + 1), COMMANDS);
  }
  if (name !== undefined && entry === undefined && areKnown(program, argv.slice(0, argv.indexOf(name))))
    throw await unknown(argv, '', program);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return settings.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // --help and --version also end here, after printing
    if (error.exitCode === 0) return 0;
    const path =
      entry === undefined || isBeforeCommand(error, argv, entry.name)
        ? ''
        : commandPath(program.commands[0], argv);
    if (error.code === 'commander.unknownCommand') throw await unknown(argv, path, program);
    if (error.code !== 'commander.help') throw (await import('./usage-error.js')).usageError(error, path);
    // commander does not explain a missing command, or `help` for an unknown one
    if (entry !== undefined && argv.indexOf(entry.name) === argv.length - 1)
      throw new FosterError(`foster ${entry.name} needs a command`, {
        advice: `'foster ${entry.name} --help' lists them`,
      });
    program.outputHelp();
    return 0;
  }
}

/**
 * Runs a command without the program and the options that its command line does not need: they take a tenth of a start.
 * @returns undefined, without any effect, if that is not possible or commander reports an error: then the whole program must
 * run, which explains the error
 */
async function runBare(entry: CommandEntry, argv: string[]): Promise<number | undefined> {
  if (argv[0] !== entry.name || argv.includes('--help')) return undefined;
  const { configure, configureMentioned } = await entry.load();
  const rest = argv.slice(1);
  const command = bareCommand(entry.name, rest);
  if (configureMentioned !== undefined) configureMentioned(command, rest);
  else await configure(command, rest, COMMANDS);
  if (command.commands.length > 0 && rest.includes('-h')) return undefined;
  try {
    await command.parseAsync(rest, { from: 'user' });
    return settings.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return undefined;
    throw error;
  }
}

/** The program with commands that have only a summary. */
export function buildProgram(entries: CommandEntry[]): Command {
  const program = prepareCommand(new Command('foster'))
    .description('Rootless containers whose PID 1 adopts every orphan and reaps every zombie.')
    .usage('[options] COMMAND')
    .version(`foster version ${VERSION}`, '-v, --version', 'show the version of foster')
    .helpOption('-h, --help', 'show this help')
    .commandsGroup('foster itself:')
    .helpCommand('help [COMMAND]', 'show help for a command')
    .enablePositionalOptions()
    .configureHelp({ ...HELP_LAYOUT, subcommandTerm: (command) => command.name() });
  addGlobalOptions(program);
  for (const { name, summary, group } of entries) {
    program.command(name).summary(summary).helpGroup(group).helpOption('-h, --help', 'show this help');
  }
  return addHelpAfter(program, [
    'Examples:',
    '  foster run -it busybox           a shell in a container',
    '  foster run --rm busybox ps       a container sees only its own processes',
    '  foster ps -a                     all containers, including stopped ones',
    '',
    "Run 'foster COMMAND --help' for the options and examples of a command.",
  ]);
}

/** The command of a command line: the first word that is neither an option nor the value of one; after `help`, the next. */
function commandName(argv: string[]): string | undefined {
  const [first = ''] = argv;
  return first === '' || first === 'help' || first.startsWith('-') ? wordsOf(argv)[0] : first;
}

function wordsOf(argv: string[]): string[] {
  const words = withoutGlobalOptions(buildProgram([]), argv);
  return words[0] === 'help' ? words.slice(1) : words;
}

/** Whether foster has the options before the command. */
function areKnown(program: Command, words: string[]): boolean {
  const names = new Set(program.options.flatMap(({ short, long }) => [short, long]));
  return words.every((word) => !word.startsWith('-') || names.has(word.split('=')[0]));
}

/** Commander passes an unknown option on to the command, wherever it is. */
function isBeforeCommand(error: CommanderError, argv: string[], name: string): boolean {
  const [, option] = /unknown option '([^']+)/.exec(error.message) ?? [];
  return option !== undefined && argv.includes(option) && argv.indexOf(option) < argv.indexOf(name);
}

/** `image ls`: the command and, if it is a group, the subcommand. */
function commandPath(command: Command | undefined, argv: string[]): string {
  if (command === undefined) return '';
  const rest = argv.slice(argv.indexOf(command.name()) + 1);
  const below = rest.find((word) =>
    command.commands.some((sub) => [sub.name(), ...sub.aliases()].includes(word)),
  );
  return [command.name(), below].filter(Boolean).join(' ');
}

async function unknown(argv: string[], path: string, program: Command): Promise<FosterError> {
  const { unknownCommand } = await import('./usage-error.js');
  return unknownCommand(wordsOf(argv), path, path === '' ? program : program.commands[0]);
}
