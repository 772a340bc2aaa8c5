/**
 * The commands of foster and their options, from the sources: the calls of commander.
 */

import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { WITH_SCHEMAS } from '../schemas.mjs';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const WALK = `
import { Command } from 'commander';
import { COMMANDS } from './src/cli/commands.ts';
import { buildProgram } from './src/cli/program.ts';

function describe(path, command) {
  const options = command.options.map(({ short, long, required, optional }) => ({
    names: [short, long].filter(Boolean),
    takesValue: required || optional,
  }));
  const below = command.commands.flatMap((sub) =>
    [sub.name(), ...sub.aliases()].flatMap((name) => describe([...path, name], sub)),
  );
  return [...(command.commands.length > 0 && path.length > 0 ? [] : [{ path: path.join(' '), options }]), ...below];
}

export async function allCommands() {
  const program = buildProgram([]);
  const found = describe([], program);
  for (const entry of COMMANDS) {
    const command = new Command(entry.name);
    await (await entry.load()).configure(command, [], COMMANDS);
    found.push(...describe([entry.name], command));
  }
  return found;
}
export { findRefusal, refusals, shortName } from './src/cli/not-yet.ts';
`;

/** Reads src/cli: commands with their options, and the options that are refused by name. */
export async function fosterCommands() {
  const outfile = join(ROOT, 'build/compat/commands.cjs');
  mkdirSync(dirname(outfile), { recursive: true });
  await build({
    absWorkingDir: ROOT,
    stdin: { contents: WALK, resolveDir: ROOT },
    bundle: true,
    plugins: [WITH_SCHEMAS],
    format: 'cjs',
    platform: 'node',
    outfile,
    external: ['koffi', '@koromix/*'],
    logLevel: 'error',
  });
  const { allCommands, refusals, findRefusal, shortName } = createRequire(import.meta.url)(outfile);
  const commands = new Map((await allCommands()).map(({ path, options }) => [path, options]));
  return { commands, refusals: refusals(), findRefusal, shortName };
}
