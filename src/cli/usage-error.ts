import type { Command, CommanderError } from 'commander';
import { nearest } from '../spec/nearest.js';
import { quoted } from '../spec/parse/flag.js';
import { FosterError } from '../sys/errors.js';
import { findRefusal, refusalError, refusedCommands } from './not-yet.js';

/** Explains mistakes in command lines. Loaded only if there is one, because the table of refusals is long. */

/**
 * Commander's error for a command line, as a sentence in foster's style.
 * @param path the command: `run`, `image ls`; empty for foster itself
 */
export function usageError(error: CommanderError, path: string): FosterError {
  const help = `${['foster', path].filter(Boolean).join(' ')} --help`;
  const [, option] = /^error: unknown option '([^'=]+)/.exec(error.message) ?? [];
  const refusal = option === undefined ? undefined : findRefusal(path.split(' '), option);
  if (refusal !== undefined) return refusalError(refusal);
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/s, ' (did you mean $1?)')
    .replace(/\. Expected (\d+) arguments? but got (\d+)\.$/, ': expected $1, got $2');
  return new FosterError(message, { advice: `see '${help}'` });
}

/**
 * The error for an unknown command: the reason if Docker or Podman has it, otherwise the nearest command.
 * @param words the command line without options
 * @param path the group in which it was looked up; empty for foster itself
 * @param group the command that has the commands of that group
 */
export function unknownCommand(words: string[], path: string, group: Command | undefined): FosterError {
  const refusal = findRefusal(words);
  if (refusal !== undefined) return refusalError(refusal);
  const [name = ''] = words.slice(path === '' ? 0 : 1);
  const known = group?.commands.flatMap((one) => [one.name(), ...one.aliases()]) ?? [];
  const near = nearest(name, [...known, ...refusedCommands(path)]);
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  return new FosterError(`unknown command ${quoted([path, name].filter(Boolean).join(' '))}${hint}`, {
    kind: 'invalid',
    advice: `see '${['foster', path].filter(Boolean).join(' ')} --help'`,
  });
}
