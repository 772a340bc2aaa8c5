import { type Command, Option } from 'commander';
import { parseBoolean } from '../spec/parse/flag.js';
import { HELP_LAYOUT, helpWidth, wrapLines } from './help-layout.js';
import { print } from './output.js';

/** What a command's module exports. */
export interface CommandModule {
  /**
   * Gives a command its arguments, options, help and action.
   * @param argv what follows its name on the command line; a group of commands loads those that it may name
   * @param commands all commands, for those that list them
   */
  configure(command: Command, argv: string[], commands: readonly CommandEntry[]): void | Promise<void>;
  /** Like `configure`, for a command with many options: defines only those that `argv` may mention, and no help. */
  configureMentioned?(command: Command, argv: string[]): void;
}

/** Makes errors throw instead of printing them, and prints help like other output. */
export function prepareCommand(command: Command): Command {
  return command
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => {} })
    .configureHelp(HELP_LAYOUT);
}

/** Appends lines to the help of a command. */
export function addHelpAfter(command: Command, lines: string[]): Command {
  return command.addHelpText('after', () => `\n${wrapLines(lines, helpWidth(command)).join('\n')}`);
}

/** Commander's error for a missing argument that only some options make unnecessary. */
export function missingArgument(command: Command, name: string): never {
  return command.error(`error: missing required argument '${name}'`, { code: 'commander.missingArgument' });
}

/** Collects the values of an option that may be given several times. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return previous === undefined ? [value] : [...previous, value];
}

/**
 * Makes `--rm=true`, `--no-trunc=true`, `-i=false` and `-it=true` work, as in Docker; commander only supports switches
 * without a value. Handles only those in `argv`, because they are rare.
 */
export function acceptBooleanValues(command: Command, argv: string[]): void {
  const switches = command.options.filter((option) => option.isBoolean() || option.negate);
  for (const word of new Set(argv)) {
    const [, name, letters = '', value = ''] = /^(?:--([a-z0-9-]+)|-([a-zA-Z]+))=(\w*)$/.exec(word) ?? [];
    const named =
      name === undefined
        ? [...letters].map((letter) => switches.find(({ short }) => short === `-${letter}`))
        : [switches.find((one) => one.name() === name)];
    const options = named.filter((option) => option !== undefined);
    if (options.length === 0 || options.length < named.length) continue;
    addWord(command, word, () => {
      for (const [index, option] of options.entries()) {
        const isOn = index < options.length - 1 || parseBoolean(word.replace(/=.*/, ''), value);
        command.setOptionValue(option.attributeName(), isOn !== option.negate);
      }
    });
  }
}

/** Makes a whole word of a command line an option of its own. */
function addWord(command: Command, word: string, use: () => void): void {
  const option = new Option('--word').hideHelp();
  option.long = word;
  command.addOption(option);
  command.on(`option:${option.name()}`, use);
}

/** An entry in the list of commands. */
export interface CommandEntry {
  name: string;
  /** One line, for `foster --help` and for completion. */
  summary: string;
  /** Its heading in the help. */
  group: string;
  load: () => Promise<CommandModule>;
}
