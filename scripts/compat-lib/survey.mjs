/** Which commands and options of Docker and Podman foster has, according to its sources and to the table. */
import { fosterCommands } from './commands.mjs';
import { readOptions, readTable, usesOf } from './table.mjs';

export const TOOLS = ['docker', 'podman'];

/**
 * @returns `commands`: for each shortest name all names, the tools that have the command, whether it is refused, and its
 * options; `rows` of the table, each with the commands that it uses; and `problems`: what is missing in the table or
 * contradicts it
 */
export async function survey() {
  const foster = await fosterCommands();
  const { shortName, refusals, findRefusal } = foster;
  const commands = collect(shortName);
  const known = optionsByPath(commands);
  const rows = readTable().map((row) => ({
    ...row,
    uses: usesOf(row.script, known).map((use) => ({ ...use, command: shortName(use.path) })),
  }));
  const used = new Map(); // for each command, its paths and options that are in a row
  for (const { command, path, names } of rows.flatMap(({ uses }) => uses)) {
    const entry = used.get(command) ?? { paths: new Set(), names: new Set() };
    entry.paths.add(path);
    for (const name of names) entry.names.add(name);
    used.set(command, entry);
  }
  // create and run get these options from the same function
  for (const name of used.get('run')?.names ?? []) used.get('create')?.names.add(name);
  const problems = [];
  for (const [name, command] of commands) {
    const label = name === '' ? 'foster' : name;
    const own =
      foster.commands.get(name) ??
      foster.commands.get([...command.paths].find((path) => foster.commands.has(path)));
    const rowsOf = used.get(name) ?? { paths: new Set(), names: new Set() };
    command.refusal = name === '' ? undefined : findRefusal(name.split(' '));
    if (command.refusal !== undefined) {
      if (own !== undefined) problems.push(`${label} is there: take it out of src/cli/not-yet.ts`);
      continue;
    }
    for (const path of command.paths) {
      const refusal = path === '' ? undefined : findRefusal(path.split(' '));
      const isThere = foster.commands.has(path);
      if (refusal !== undefined && isThere)
        problems.push(`${path} is there: take it out of src/cli/not-yet.ts`);
      if (refusal !== undefined) command.refusedPaths.push({ path, refusal });
      else if (!isThere)
        problems.push(
          `${path} of ${[...command.tools].join(' and ')} is neither there nor in src/cli/not-yet.ts`,
        );
      else if (!rowsOf.paths.has(path)) problems.push(`${path} is in no row`);
    }
    const spellings = new Set((own ?? []).flatMap(({ names }) => names));
    for (const option of command.options.values()) {
      option.refusals = option.names.flatMap(
        (one) => refusals.find((two) => two.command === name && two.option === one) ?? [],
      );
      for (const one of option.names) {
        const isRefused = option.refusals.some((refusal) => refusal.option === one);
        if (isRefused && spellings.has(one))
          problems.push(`${label} ${one} is there: take it out of src/cli/not-yet.ts`);
        if (!isRefused && !spellings.has(one))
          problems.push(
            `${label} ${one} of ${[...option.tools].join(' and ')} is neither there nor in src/cli/not-yet.ts`,
          );
      }
      const isThere = option.names.some((one) => spellings.has(one));
      if (isThere && !option.names.some((one) => rowsOf.names.has(one)))
        problems.push(`${label} ${option.names.join(', ')} is in no row`);
      option.isThere = isThere;
    }
  }
  for (const { command, option } of refusals) {
    if (option === undefined) continue;
    const options = [...(commands.get(command)?.options.values() ?? [])];
    if (!options.some(({ names }) => names.includes(option)))
      problems.push(`src/cli/not-yet.ts refuses ${command} ${option}, which neither Docker nor Podman has`);
  }
  return { commands, rows, problems };
}

/** Docker's and Podman's commands by their shortest names. */
function collect(shortName) {
  const commands = new Map();
  for (const tool of TOOLS) {
    for (const [path, options] of readOptions(tool)) {
      const name = shortName(path);
      const command = commands.get(name) ?? {
        paths: new Set(),
        tools: new Set(),
        options: new Map(),
        refusedPaths: [],
      };
      commands.set(name, command);
      command.paths.add(path);
      command.tools.add(tool);
      for (const { names, takesValue } of options) {
        // both tools may share one spelling of it; -t, --time and --timeout stay two options
        const key = names.at(-1);
        const option = command.options.get(key) ?? { names: [], takesValue, tools: new Set() };
        command.options.set(key, option);
        option.names = [...new Set([...option.names, ...names])].toSorted((a, b) => a.length - b.length);
        option.tools.add(tool);
      }
    }
  }
  return commands;
}

function optionsByPath(commands) {
  const known = new Map();
  for (const { paths, options } of commands.values()) {
    for (const path of paths) known.set(path, [...options.values()]);
  }
  return known;
}
