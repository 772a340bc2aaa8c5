import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { parseDotenv } from './dotenv.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Which files make up a project: the global options of `foster compose`. */
export interface ProjectChoice {
  /** `-f`: `-` is standard input. */
  files: readonly string[];
  /** `-p` */
  name?: string | undefined;
  folder?: string | undefined;
  envFiles: readonly string[];
  /** `--profile` */
  profiles: readonly string[];
}

/** The caller: where relative paths start, and what is in its environment. */
export interface Caller {
  /** Absolute path. */
  cwd: string;
  env: Environment;
  /** The text of standard input, for `-f -`. */
  readInput: () => string;
  warn: (sentence: string) => void;
}

/** The files of a project, found. */
export interface Found {
  /** Absolute paths, or `-`. */
  files: string[];
  /** Absolute path: relative paths in the files start there. */
  folder: string;
  /** The caller's environment, and what the files of --env-file or `.env` add to it. */
  env: Environment;
}

const NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/** Finds the files, the folder and the variables of a project, by Docker's rules. @throws FosterError */
export function findProject(choice: ProjectChoice, caller: Caller): Found {
  const given = choice.files.length > 0 ? choice.files : undefined;
  const chosenFolder = choice.folder === undefined ? undefined : resolve(caller.cwd, choice.folder);
  // COMPOSE_FILE may be in a .env beside the caller
  const early = withEnvFiles(choice, chosenFolder ?? caller.cwd, caller);
  const separator = early.COMPOSE_PATH_SEPARATOR || ':';
  const fromEnv = early.COMPOSE_FILE ? early.COMPOSE_FILE.split(separator).filter(Boolean) : undefined;
  const named = (given ?? fromEnv)?.map((file) => (file === '-' ? '-' : resolve(caller.cwd, file)));
  const files = named ?? usualFiles(chosenFolder ?? caller.cwd);
  const [first = '-'] = files;
  const folder = chosenFolder ?? (first === '-' ? caller.cwd : dirname(first));
  return { files, folder, env: withEnvFiles(choice, folder, caller) };
}

/** compose.yaml in this folder or the nearest above it, with its override. */
function usualFiles(start: string): string[] {
  for (let folder = start; ; folder = dirname(folder)) {
    const file = NAMES.map((name) => join(folder, name)).find(existsSync);
    if (file !== undefined) {
      const overrides = NAMES.map((name) => join(folder, name.replace(/\.ya?ml$/, '.override$&')));
      const override = overrides.find(existsSync);
      return override === undefined ? [file] : [file, override];
    }
    if (folder === dirname(folder)) break;
  }
  throw new FosterError(`there is no compose.yaml in ${start} or a folder above it`, {
    kind: 'not-found',
    advice: `expected one of ${NAMES.join(', ')}, or -f FILE`,
    exitCode: 1,
  });
}

/** The caller's variables have precedence over those of files, and later files over earlier ones. */
function withEnvFiles(
  choice: Pick<ProjectChoice, 'envFiles'>,
  folder: string,
  { cwd, env }: Caller,
): Environment {
  const fromEnv = env.COMPOSE_ENV_FILES?.split(',').filter(Boolean) ?? [];
  const named = choice.envFiles.length > 0 ? choice.envFiles : fromEnv;
  const isDisabled = env.COMPOSE_DISABLE_ENV_FILE === '1' || env.COMPOSE_DISABLE_ENV_FILE === 'true';
  const usual = join(folder, '.env');
  const files =
    named.length > 0 ? named.map((file) => resolve(cwd, file)) : isDisabled || !isFile(usual) ? [] : [usual];
  return readEnvFiles(files, env, cwd);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** @param files absolute paths */
export function readEnvFiles(files: readonly string[], env: Environment, cwd: string): Environment {
  let result: Environment = env;
  let own: Environment = {};
  for (const file of files) {
    const outside = { ...own, ...env };
    const found = parseDotenv(readText(file), shown(file, cwd), (name) => outside[name]);
    own = { ...own, ...Object.fromEntries(found) };
    result = { ...own, ...env };
  }
  return result;
}

/** A path as it is shown: relative, if it is below the caller's folder. */
export function shown(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('..') ? path : short;
}

/** @throws FosterError that names the file */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { errno } = error as { errno?: unknown };
    throw new FosterError(
      `cannot read ${path}: ${typeof errno === 'number' ? errnoWords(-errno) : String(error)}`,
      { kind: 'not-found', exitCode: 1, cause: error },
    );
  }
}

/** The name that a folder gives its project. */
export function nameOfFolder(folder: string): string {
  return normalized(basename(folder));
}

function normalized(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^-_a-z0-9]/g, '')
    .replace(/^[-_]+/, '');
}

/** @throws FosterError for a name that no project can have */
export function checkProjectName(name: string, from: string): string {
  if (/^[a-z0-9][a-z0-9_-]*$/.test(name)) return name;
  throw new FosterError(
    `${from}: ${JSON.stringify(name)} is not a name of a project: it has lower case letters, digits, "-" and "_", and begins with a letter or digit`,
    { kind: 'invalid', exitCode: 1, advice: `for example -p ${normalized(name) || 'app'}` },
  );
}
