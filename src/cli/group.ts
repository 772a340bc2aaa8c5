import type { Command } from 'commander';
import { addHelpAfter, type CommandModule, prepareCommand } from './command.js';
import { HELP_LAYOUT } from './help-layout.js';

/** A command of a group: `foster image ls`. */
export interface GroupEntry {
  name: string;
  /** Other names. */
  aliases?: string[];
  summary: string;
  load: () => Promise<CommandModule>;
}

/**
 * Makes `command` a group of commands, of which those are loaded that `argv` may name: all if there is nothing in it.
 * @param examples lines for its help
 */
export async function configureGroup(
  command: Command,
  argv: string[],
  entries: GroupEntry[],
  examples: string[],
): Promise<void> {
  const name = command.name();
  command.usage(command.options.length > 0 ? '[options] COMMAND' : 'COMMAND');
  for (const { name: own, aliases = [], summary, load } of entries) {
    const sub = prepareCommand(command.command(own))
      .summary(summary)
      .helpOption('-h, --help', 'show this help');
    for (const alias of aliases) sub.alias(alias);
    const at = argv.findIndex((word) => word === own || aliases.includes(word));
    if (at >= 0 || argv.length === 0) await (await load()).configure(sub, argv.slice(at + 1), []);
  }
  command.helpCommand(false).configureHelp({ ...HELP_LAYOUT, subcommandTerm: (sub) => sub.name() });
  addHelpAfter(command, [
    'Examples:',
    ...examples,
    '',
    `Run 'foster ${name} COMMAND --help' for the options of a command.`,
  ]);
}
