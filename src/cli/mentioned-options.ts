import { Command, type Option } from 'commander';
import { prepareCommand } from './command.js';

/** Something that options can be added to: a commander `Command`, or `MentionedOptions`. */
export interface OptionTarget {
  option(flags: string, description: string, parse?: OptionParser): OptionTarget;
  addOption(option: Option): OptionTarget;
  optionsGroup(heading: string): OptionTarget;
  helpOption(flags: string, description: string): OptionTarget;
}

// biome-ignore lint/suspicious/noExplicitAny: as in commander, an option's parser can return anything
type OptionParser = (value: string, previous: any) => unknown;

/** Which options a command line may mention: everything that looks like an option, even if a command in a container gets it. */
class Mentions {
  readonly #names = new Set<string>();
  readonly #letters = new Set<string>();

  constructor(argv: readonly string[]) {
    for (const word of argv) {
      if (word.startsWith('--')) this.#names.add(word.split('=', 1)[0] ?? '');
      else if (word.startsWith('-')) for (const letter of word) this.#letters.add(letter);
    }
  }

  /** @param flags as commander's: `-e, --env <NAME>` */
  include(flags: string): boolean {
    const long = flags.indexOf('--');
    const isLetter = long > 0 && this.#letters.has(flags.charAt(1));
    return isLetter || this.#names.has(flags.slice(long).split(' ', 1)[0] ?? '');
  }
}

/**
 * Adds only the options to a command that its command line may mention: `foster run` has a hundred, and each takes ten
 * microseconds.
 */
export class MentionedOptions implements OptionTarget {
  readonly #command: Command;
  readonly #mentions: Mentions;

  constructor(command: Command, argv: readonly string[]) {
    this.#command = command;
    this.#mentions = new Mentions(argv);
  }

  option(flags: string, description: string, parse?: OptionParser): this {
    if (!this.#mentions.include(flags)) return this;
    if (parse === undefined) this.#command.option(flags, description);
    else this.#command.option(flags, description, parse);
    return this;
  }

  addOption(option: Option): this {
    if (this.#mentions.include(option.flags)) this.#command.addOption(option);
    return this;
  }

  /** Only the help has groups. */
  optionsGroup(): this {
    return this;
  }

  helpOption(flags: string, description: string): this {
    this.#command.helpOption(flags, description);
    return this;
  }
}

/**
 * A command without a program around it, which parses what follows its name: without global options and help. It leaves out
 * options that `argv` does not mention, unless they have a default value.
 */
export function bareCommand(name: string, argv: readonly string[]): Command {
  const command = prepareCommand(new Command(name)).helpOption(false).enablePositionalOptions();
  const mentions = new Mentions(argv);
  const define = command.option.bind(command) as (flags: string, ...rest: unknown[]) => Command;
  const hasDefault = (flags: string, rest: unknown[]) =>
    flags.includes('--no-') || rest.length > 2 || (rest.length === 2 && typeof rest[1] !== 'function');
  command.option = ((flags: string, ...rest: unknown[]) =>
    mentions.include(flags) || hasDefault(flags, rest)
      ? define(flags, ...rest)
      : command) as Command['option'];
  return command;
}
