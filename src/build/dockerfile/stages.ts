import { FosterError } from '../../sys/errors.js';
import { type Dockerfile, type Instruction, lineError } from './dockerfile.js';
import { mountFrom } from './run-mounts.js';
import { expand, splitPair, splitWords, type Variables } from './words.js';

/** A stage: a FROM and the instructions after it. */
export interface Stage {
  index: number;
  /** `AS NAME`, in lower case. */
  name: string | undefined;
  /** Its base: the name of an image, `scratch`, or an earlier stage. */
  base: string | Stage;
  /** Value of `--platform`. */
  platform: string | undefined;
  from: Instruction;
  instructions: Instruction[];
}

export interface Stages {
  all: Stage[];
  /** ARGs before the first FROM, which stages can declare, too. */
  globals: Map<string, string>;
}

/** Docker's predefined ARGs: with --build-arg they are variables of every RUN, without an ARG. */
export const PREDEFINED_ARGS: ReadonlySet<string> = new Set(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [
    name,
    name.toLowerCase(),
  ]),
);

/**
 * The stages of a Dockerfile.
 * @param buildArgs values of --build-arg
 * @param platformArgs TARGETPLATFORM and the like
 * @throws FosterError that names the line
 */
export function readStages(
  file: Dockerfile,
  buildArgs: ReadonlyMap<string, string>,
  platformArgs: ReadonlyMap<string, string>,
): Stages {
  const globals = new Map<string, string>();
  const variables: Variables = (name) => globals.get(name) ?? platformArgs.get(name);
  const all: Stage[] = [];
  for (const instruction of file.instructions) {
    const stage = all.at(-1);
    if (instruction.keyword === 'FROM') all.push(readFrom(file, instruction, all, variables));
    else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.keyword === 'ARG') {
      for (const { name, value } of readArgs(file, instruction, variables)) {
        const chosen = buildArgs.get(name) ?? value;
        if (chosen !== undefined) globals.set(name, chosen);
      }
    } else
      throw lineError(
        file.name,
        instruction.line,
        `${instruction.keyword} before the first FROM`,
        'only ARG is allowed there',
      );
  }
  if (all.length === 0) throw new FosterError(`${file.name} has no FROM`, { exitCode: 1 });
  return { all, globals };
}

function readFrom(file: Dockerfile, instruction: Instruction, earlier: Stage[], variables: Variables): Stage {
  const fail = (problem: string, advice?: string) => lineError(file.name, instruction.line, problem, advice);
  const expanded = (text: string) => atLine(file, instruction, () => expand(text, variables, file));
  const [image, as, name, ...more] = splitWords(instruction.rest, file.escape);
  const isNamed = as?.toUpperCase() === 'AS' && name !== undefined && more.length === 0;
  if (image === undefined || (as !== undefined && !isNamed)) throw fail('FROM expects IMAGE [AS NAME]');
  if (name !== undefined && !/^[a-z][a-z0-9_.-]*$/i.test(name))
    throw fail(`'${name}' is not a valid name for a stage`);
  const strange = instruction.flags.find((flag) => flag.name !== 'platform');
  if (strange !== undefined) throw fail(`FROM has no flag --${strange.name}`);
  const base = expanded(image);
  if (base === '')
    throw fail(`the name of the image is empty: ${image}`, 'give the variable a value with --build-arg');
  const platform = instruction.flags.at(-1)?.value;
  return {
    index: earlier.length,
    name: name?.toLowerCase(),
    base: earlier.findLast((stage) => stage.name === base.toLowerCase()) ?? base,
    platform: platform === undefined ? undefined : expanded(platform) || undefined,
    from: instruction,
    instructions: [],
  };
}

/** The names of an ARG, each with its default. */
export function readArgs(
  file: Dockerfile,
  instruction: Instruction,
  variables: Variables,
): { name: string; value: string | undefined }[] {
  const words = splitWords(instruction.rest, file.escape);
  if (words.length === 0) throw lineError(file.name, instruction.line, 'ARG expects NAME[=VALUE]');
  const known = new Map<string, string>();
  const all: Variables = (name) => known.get(name) ?? variables(name);
  return words.map((word) => {
    const [name, text] = splitPair(word) ?? [word, undefined];
    if (!/^[A-Za-z_]\w*$/.test(name))
      throw lineError(file.name, instruction.line, `'${name}' is not a valid name for a variable`);
    const value = text === undefined ? undefined : atLine(file, instruction, () => expand(text, all, file));
    if (value !== undefined) known.set(name, value);
    return { name, value };
  });
}

/** Runs `use`, and adds file and line to its errors. */
export function atLine<T>(
  file: Pick<Dockerfile, 'name'>,
  { line }: Pick<Instruction, 'line'>,
  use: () => T,
): T {
  try {
    return use();
  } catch (error) {
    throw withPosition(file, line, error);
  }
}

/** A FosterError with file and line before its message; other errors unchanged. */
export function withPosition(file: Pick<Dockerfile, 'name'>, line: number, error: unknown): unknown {
  if (!(error instanceof FosterError) || error.message.startsWith(`${file.name}:`)) return error;
  return new FosterError(`${file.name}:${line}: ${error.message}`, {
    exitCode: 1,
    cause: error,
    ...(error.advice === undefined ? {} : { advice: error.advice }),
  });
}

/** The stage of `--target` or `COPY --from`, by its name or its number, counted from 0. */
export function findStage(stages: Stage[], wanted: string): Stage | undefined {
  if (/^\d+$/.test(wanted)) return stages[Number(wanted)];
  return stages.findLast((stage) => stage.name === wanted.toLowerCase());
}

/** A stage and the stages that it needs, in the order of the file. */
export function neededStages(all: Stage[], target: Stage): Stage[] {
  const needed = new Set<Stage>();
  const visit = (stage: Stage) => {
    if (needed.has(stage)) return;
    needed.add(stage);
    if (typeof stage.base !== 'string') visit(stage.base);
    for (const { flags } of stage.instructions) {
      for (const { name, value } of flags) {
        const wanted = name === 'mount' ? mountFrom(value) : name === 'from' ? value : undefined;
        const other = wanted === undefined ? undefined : findStage(all.slice(0, stage.index), wanted);
        if (other !== undefined) visit(other);
      }
    }
  };
  visit(target);
  return all.filter((stage) => needed.has(stage));
}
