import type { Command, Option } from 'commander';

/** Something that options can be added to: a commander `Command`, or `MentionedOptions`. */
export interface OptionTarget {
  option(flags: string, description: string, parse?: OptionParser): OptionTarget;
  addOption(option: Option): OptionTarget;
  optionsGroup(heading: string): OptionTarget;
  helpOption(flags: string, description: string): OptionTarget;
}

// biome-ignore lint/suspicious/noExplicitAny: as in commander, an option's parser can return anything
type OptionParser = (value: string, previous: any) => unknown;

/**
 * Adds only the options to a command that its command line may mention: `foster run` has a hundred, and each takes ten
 * microseconds. Everything that looks like an option counts, even if it belongs to the command in the container.
 */
export class MentionedOptions implements OptionTarget {
  readonly #command: Command;
  readonly #names = new Set<string>();
  readonly #letters = new Set<string>();

  constructor(command: Command, argv: readonly string[]) {
    this.#command = command;
    for (const word of argv) {
      if (word.startsWith('--')) this.#names.add(word.split('=', 1)[0] ?? '');
      else if (word.startsWith('-')) for (const letter of word) this.#letters.add(letter);
    }
  }

  option(flags: string, description: string, parse?: OptionParser): this {
    if (!this.#isMentioned(flags)) return this;
    if (parse === undefined) this.#command.option(flags, description);
    else this.#command.option(flags, description, parse);
    return this;
  }

  addOption(option: Option): this {
    if (this.#isMentioned(option.flags)) this.#command.addOption(option);
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

  /** @param flags as commander's: `-e, --env <NAME>` */
  #isMentioned(flags: string): boolean {
    const long = flags.indexOf('--');
    const isLetter = long > 0 && this.#letters.has(flags.charAt(1));
    return isLetter || this.#names.has(flags.slice(long).split(' ', 1)[0] ?? '');
  }
}
