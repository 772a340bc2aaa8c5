import type { Command } from 'commander';
import { COMMANDS } from './commands.js';
import { buildProgram } from './program.js';

/** What `--help` says about a command. */
export interface CommandHelp {
  /** The words of the command without `foster`: none for foster itself, `['image', 'ls']` for a command of a group. */
  words: string[];
  /** One line. */
  summary: string;
  /** The output of `--help`, with a newline at the end. */
  text: string;
}

/**
 * The help of foster and of all its commands, a group before its commands, in the order of `foster --help`.
 * @param width the width of the help in columns; if it is infinite, each option and each paragraph is one line
 */
export async function commandReference(width: number): Promise<CommandHelp[]> {
  const program = buildProgram(COMMANDS);
  const found = [helpOf(program, [], program.description(), width)];
  for (const entry of COMMANDS) {
    const command = program.commands.find((one) => one.name() === entry.name);
    if (command === undefined) continue;
    await (await entry.load()).configure(command, [], COMMANDS);
    found.push(...tree(command, [entry.name], width));
  }
  return found;
}

function tree(command: Command, words: string[], width: number): CommandHelp[] {
  const below = command.commands.flatMap((sub) => tree(sub, [...words, sub.name()], width));
  return [helpOf(command, words, command.summary(), width), ...below];
}

function helpOf(command: Command, words: string[], summary: string, width: number): CommandHelp {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => width,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return { words, summary, text };
}
