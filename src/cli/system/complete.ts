import { Command } from 'commander';
import type { CommandEntry } from '../command.js';
import { type Completions, type Place, valuesOf } from './complete-values.js';

/**
 * The completions of the last word of a command line: the part of completion that all shells share.
 * @param program the program with all commands, which need no options yet
 * @param line the words after `foster`; the last one is to be completed, and may be incomplete or empty
 */
export async function complete(
  line: string[],
  program: Command,
  commands: readonly CommandEntry[],
): Promise<Completions> {
  const current = line.at(-1) ?? '';
  const before = line.slice(0, -1);
  const at = firstOperand(program, before, 0);
  const name = before[at];
  if (name === undefined)
    return fitting(await atPlace(program, before, current, { path: '', operands: [] }), current);
  if (name === 'help') return fitting({ words: namesOf(program), files: false }, current);
  const entry = commands.find((one) => one.name === name);
  if (entry === undefined) return { words: [], files: false };
  let command = new Command(name);
  await (await entry.load()).configure(command, before.slice(at + 1), commands);
  let path = name;
  let start = at + 1;
  if (command.commands.length > 0) {
    const below = firstOperand(command, before, start);
    const word = before[below];
    const sub = command.commands.find((one) => [one.name(), ...one.aliases()].includes(word ?? ''));
    if (word === undefined)
      return fitting(await atPlace(command, before.slice(start), current, { path, operands: [] }), current);
    if (sub === undefined) return { words: [], files: false };
    [command, path, start] = [sub, `${name} ${sub.name()}`, below + 1];
  }
  const own = before.slice(start);
  return fitting(await atPlace(command, own, current, { path, operands: operandsOf(command, own) }), current);
}

/** The possible words after the words of a command. */
async function atPlace(
  command: Command,
  words: string[],
  current: string,
  place: Place,
): Promise<Completions> {
  const [, flag, value] = /^(--[a-z-]+)=(.*)$/s.exec(current) ?? [];
  if (flag !== undefined) {
    const found = await valuesOf(flag, value ?? '', place);
    return { ...found, words: found.words.map((one) => ({ ...one, word: `${flag}=${one.word}` })) };
  }
  const option = takesNext(command, words.at(-1));
  if (option !== undefined) return await valuesOf(option, current, place);
  const hasEnded = words.includes('--') || (place.operands.length > 0 && PASS_THROUGH.has(place.path));
  if (current.startsWith('-') && !hasEnded) return { words: optionsOf(command), files: false };
  if (command.commands.length > 0) {
    const help = place.path === '' ? [{ word: 'help', description: 'show help for a command' }] : [];
    return { words: [...namesOf(command), ...help], files: false };
  }
  return await valuesOf(undefined, current, place);
}

/** Commands after whose first operand everything belongs to the command that they run. */
const PASS_THROUGH: ReadonlySet<string> = new Set([
  'run',
  'create',
  'exec',
  'unshare',
  'container run',
  'explain run',
  'explain exec',
  'container exec',
]);

function namesOf(command: Command): Completions['words'] {
  return command.commands.map((sub) => ({ word: sub.name(), description: sub.summary() }));
}

function optionsOf(command: Command): Completions['words'] {
  const own = command.options
    .filter(({ hidden }) => !hidden)
    .flatMap(({ short, long, description }) =>
      [long, short].flatMap((word) => (word ? [{ word, description }] : [])),
    );
  return [...own, { word: '--help', description: 'show help' }];
}

/** The long name of the option whose value is the next word. */
function takesNext(command: Command, word: string | undefined): string | undefined {
  if (word === undefined || !word.startsWith('-') || word.includes('=')) return undefined;
  const last = word.startsWith('--') ? word : `-${word.at(-1)}`;
  const option = command.options.find(
    ({ short, long, required }) => required && (short === last || long === last),
  );
  return option?.long ?? option?.short;
}

/** The position of the first word, from `start` on, that is neither an option nor the value of one. */
function firstOperand(command: Command, words: string[], start: number): number {
  for (let at = start; at < words.length; at++) {
    if (takesNext(command, words[at]) !== undefined) at++;
    else if (!words[at]?.startsWith('-')) return at;
  }
  return words.length;
}

function operandsOf(command: Command, words: string[]): string[] {
  const operands: string[] = [];
  for (let at = firstOperand(command, words, 0); at < words.length; at = firstOperand(command, words, at + 1))
    operands.push(words[at] ?? '');
  return operands;
}

function fitting({ words, files }: Completions, current: string): Completions {
  return { words: words.filter(({ word }) => word.startsWith(current)), files };
}

/**
 * The output for the shell's script: a word on each line, with its description after a tab. Then `:` and flags: `files` if file
 * names are possible, `open` if the word is incomplete.
 */
export function formatCompletions({ words, files }: Completions): string {
  const lines = words.map(({ word, description }) => (description ? `${word}\t${description}` : word));
  const isOpen = words.length > 0 && words.every(({ word }) => /[=:]$/.test(word));
  return `${[...lines, `:${files ? 'files' : isOpen ? 'open' : ''}`].join('\n')}\n`;
}
