import { resolve } from 'node:path';
import { parseEnvFile } from '../spec/parse/environment.js';
import {
  type Caller,
  checkProjectName,
  type Environment,
  findProject,
  nameOfFolder,
  type ProjectChoice,
  readText,
  shown,
} from './discover.js';
import { parseDotenv } from './dotenv.js';
import { checkFields } from './fields.js';
import { isObject, type JsonObject } from './json.js';
import { loadModel, type Model, parseComposeFile } from './load.js';
import { checkOrder } from './order.js';
import { dependenciesOf, networksOf, type Project, type Service, scaleOf, serviceIn } from './project.js';
import { errorAt, nameIn, whereIn } from './source.js';
import { interpolateAt, variablesOf } from './variables.js';

/** What is wanted of the project. */
export interface Opening extends ProjectChoice {
  /** Services that are named: their profiles are active. */
  named?: readonly string[];
  /**
   * It is about containers that exist: all profiles are active, nothing is warned of, and what only a new container needs, such as
   * the files of env_file, may be missing.
   */
  isForExisting?: boolean;
}

/** Reads the files of a project, and checks everything in them. @throws FosterError */
export function openProject(opening: Opening, caller: Caller): Project {
  const { files, folder, env } = findProject(opening, caller);
  const home = env.HOME ?? '/';
  const warn = opening.isForExisting ? () => {} : caller.warn;
  const own = { ...caller, warn };
  const parsed = files.map((file) => ({ file, parsed: parseComposeFile(file, { caller }) }));
  const name = projectName(opening, parsed.flatMap((one) => nameIn(one.parsed) ?? []).at(-1), {
    folder,
    env,
  });
  const whole = { ...env, COMPOSE_PROJECT_NAME: name };
  const model = loadModel(parsed, { folder, env: whole, caller: own, home });
  return projectOf(model, { name, folder, files, env: whole, caller: own, opening });
}

/** Only the name of the project, for commands that need no files. */
export function projectName(
  { name }: Pick<ProjectChoice, 'name'>,
  inFile: string | undefined,
  { folder, env }: { folder: string; env: Environment },
): string {
  if (name !== undefined) return checkProjectName(name, '--project-name');
  if (env.COMPOSE_PROJECT_NAME) return checkProjectName(env.COMPOSE_PROJECT_NAME, 'COMPOSE_PROJECT_NAME');
  if (inFile !== undefined) {
    const resolved = interpolateAt(
      inFile,
      variablesOf(env, () => {}),
      () => 'name',
    );
    return checkProjectName(resolved, 'name');
  }
  return checkProjectName(nameOfFolder(folder), `the folder ${folder}`);
}

interface Context {
  name: string;
  folder: string;
  files: string[];
  env: Environment;
  caller: Caller;
  opening: Opening;
}

function projectOf(model: Model, context: Context): Project {
  const { name, folder, files, env, caller, opening } = context;
  const all = model.services as unknown as Record<string, Service>;
  const where: Project['where'] = (path) => whereIn(model.sources, path);
  if (Object.keys(all).length === 0)
    throw errorAt(model.sources, ['services'], 'there are no services', {
      advice: 'a service has an image or a build',
    });
  const active = activeServices(all, env, opening);
  const services: Record<string, Service> = {};
  for (const key of Object.keys(all).sort()) {
    const service = all[key];
    if (service === undefined || !active.has(key)) continue;
    checkService(key, service, model, all, active);
    if (opening.isForExisting) services[key] = service;
    else {
      checkVariables(service, model, env);
      warnOfModes(key, service, model, caller);
      services[key] = withEnvironment(key, service, model, env, caller);
    }
  }
  checkOrder(services, where);
  checkFields(model, Object.keys(services), caller.warn);
  const used = new Set(Object.values(services).flatMap((one) => Object.keys(networksOf(one))));
  const networks = resources(model.networks, name, used.has('default') ? ['default'] : []);
  checkTopLevel(model);
  return {
    name,
    folder,
    files,
    services,
    inactive: Object.fromEntries(Object.entries(all).filter(([key]) => !active.has(key))),
    networks: networks as unknown as Project['networks'],
    volumes: resources(model.volumes, name, []) as unknown as Project['volumes'],
    secrets: fileSources(model.secrets, name, folder),
    configs: fileSources(model.configs, name, folder),
    extensions: model.extensions,
    env,
    where,
  };
}

/** Those without a profile, of an active profile, or named; and what they depend on must be among them. */
function activeServices(
  all: Record<string, Service>,
  env: Environment,
  { profiles, named = [], isForExisting = false }: Opening,
): ReadonlySet<string> {
  const given = profiles.length > 0 ? profiles : (env.COMPOSE_PROFILES ?? '').split(',').filter(Boolean);
  const wanted = new Set([...given, ...named.flatMap((name) => all[name]?.profiles ?? [])]);
  const isActive = ({ profiles: own = [] }: Service) =>
    isForExisting || own.length === 0 || wanted.has('*') || own.some((one) => wanted.has(one));
  return new Set(Object.keys(all).filter((name) => all[name] !== undefined && isActive(all[name])));
}

/** Adds what every network and volume has: its name on this machine. */
function resources(defined: JsonObject, project: string, more: readonly string[]): JsonObject {
  const whole: JsonObject = { ...Object.fromEntries(more.map((key) => [key, {}])), ...defined };
  return Object.fromEntries(
    Object.entries(whole).map(([key, one]) => {
      const said = isObject(one) ? one : {};
      return [key, { ...said, name: said.name ?? (said.external ? key : `${project}_${key}`) }];
    }),
  );
}

function fileSources(defined: JsonObject, project: string, folder: string): Project['secrets'] {
  const whole = resources(defined, project, []) as unknown as Project['secrets'];
  for (const one of Object.values(whole)) if (one.file !== undefined) one.file = resolve(folder, one.file);
  return whole;
}

const FILE_KINDS = ['secrets', 'configs'] as const;

function checkService(
  name: string,
  service: Service,
  model: Model,
  all: Record<string, Service>,
  active: ReadonlySet<string>,
): void {
  const fail = (path: readonly (string | number)[], problem: string, advice?: string) =>
    errorAt(model.sources, ['services', name, ...path], problem, { advice });
  if (service.image === undefined && service.build === undefined)
    throw fail([], 'it has neither an image nor a build');
  if (service.network_mode !== undefined && service.networks !== undefined)
    throw fail(['network_mode'], 'network_mode and networks cannot be used together');
  if (service.build?.dockerfile !== undefined && service.build.dockerfile_inline !== undefined)
    throw fail(['build'], 'dockerfile and dockerfile_inline cannot be used together');
  const scale = scaleOf(service);
  if (!Number.isSafeInteger(scale) || scale < 0)
    throw fail(
      service.scale === undefined ? ['deploy', 'replicas'] : ['scale'],
      'expected a number of containers',
    );
  if (service.container_name !== undefined && scale > 1)
    throw fail(
      ['container_name'],
      `${scale} containers cannot have the same name`,
      'leave out container_name',
    );
  for (const key of Object.keys(networksOf(service)))
    if (key !== 'default' && model.networks[key] === undefined)
      throw fail(
        ['networks', key],
        `there is no network ${JSON.stringify(key)} in networks`,
        `add it: networks: { ${key}: {} }`,
      );
  for (const [index, { type, source }] of (service.volumes ?? []).entries())
    if (type === 'volume' && source !== undefined && model.volumes[source] === undefined)
      throw fail(
        ['volumes', index],
        `there is no volume ${JSON.stringify(source)} in volumes`,
        `add it: volumes: { ${source}: {} }, or write ./${source} for a folder`,
      );
  for (const kind of FILE_KINDS)
    for (const [index, { source }] of (service[kind] ?? []).entries())
      if (model[kind][source] === undefined)
        throw fail([kind, index], `there is no ${kind.slice(0, -1)} ${JSON.stringify(source)} in ${kind}`);
  for (const [index, { source }] of (service.build?.secrets ?? []).entries())
    if (model.secrets[source] === undefined)
      throw fail(['build', 'secrets', index], `there is no secret ${JSON.stringify(source)} in secrets`);
  for (const [other, { required }] of Object.entries(dependenciesOf(service))) {
    const path =
      service.depends_on?.[other] === undefined ? [fieldThatNames(service, other)] : ['depends_on', other];
    if (all[other] === undefined && required)
      throw fail(path, `there is no service ${JSON.stringify(other)}`);
    if (!active.has(other) && required)
      throw fail(
        path,
        `service ${JSON.stringify(other)} is in a profile that is not active`,
        `activate it: --profile ${all[other]?.profiles?.[0]}`,
      );
  }
}

/** @throws FosterError if a secret or config of a service is the value of a variable that is not set */
function checkVariables(service: Service, model: Model, env: Environment): void {
  for (const kind of FILE_KINDS) {
    for (const { source: name } of service[kind] ?? []) {
      const source = model[kind][name];
      const variable = isObject(source) ? source.environment : undefined;
      if (typeof variable === 'string' && env[variable] === undefined)
        throw errorAt(model.sources, [kind, name, 'environment'], `the variable ${variable} is not set`);
    }
  }
}

/** A file is mounted with the owner and the mode that it has. */
function warnOfModes(name: string, service: Service, model: Model, { warn }: Caller): void {
  for (const kind of FILE_KINDS) {
    for (const [index, use] of (service[kind] ?? []).entries()) {
      const source = model[kind][use.source];
      const field = (['uid', 'gid', 'mode'] as const).find((one) => use[one] !== undefined);
      if (!isObject(source) || source.file === undefined || field === undefined) continue;
      const where = whereIn(model.sources, ['services', name, kind, index, field]);
      warn(`${where}: it has no effect: a file is mounted with the owner and the mode that it has`);
    }
  }
}

function fieldThatNames(service: Service, other: string): string {
  const modes = ['network_mode', 'pid', 'ipc'] as const;
  return (
    modes.find((field) => serviceIn(service[field]) === other) ??
    (service.links?.some((link) => link.split(':')[0] === other) ? 'links' : 'volumes_from')
  );
}

function checkTopLevel(model: Model): void {
  for (const kind of FILE_KINDS) {
    for (const [name, one] of Object.entries(model[kind])) {
      if (!isObject(one)) continue;
      const sources = ['file', 'environment', 'content', 'external'].filter(
        (field) => one[field] !== undefined,
      );
      if (sources.length !== 1)
        throw errorAt(
          model.sources,
          [kind, name],
          sources.length === 0
            ? `where it comes from is missing: file, environment${kind === 'configs' ? ' or content' : ''}`
            : `${sources.join(' and ')} cannot be used together`,
        );
    }
  }
}

/** Adds the variables of env_file, and takes those without a value from the caller. */
function withEnvironment(
  name: string,
  service: Service,
  model: Model,
  env: Environment,
  caller: Caller,
): Service {
  if (service.env_file === undefined && service.environment === undefined) return service;
  const fromFiles: Record<string, string | null> = {};
  for (const [index, { path, required, format }] of (service.env_file ?? []).entries()) {
    const at = ['services', name, 'env_file', index];
    const text = textOf(path, required, () => whereIn(model.sources, at));
    if (text === undefined) continue;
    if (format !== undefined && format !== 'raw')
      throw errorAt(model.sources, at, `format: expected raw, got ${JSON.stringify(format)}`);
    const file = shown(path, caller.cwd);
    const pairs: [string, string | undefined][] =
      format === 'raw'
        ? parseEnvFile(text, file, env).map((one) => [
            one.slice(0, one.indexOf('=')),
            one.slice(one.indexOf('=') + 1),
          ])
        : [...parseDotenv(text, file, (key) => env[key] ?? fromFiles[key] ?? undefined)];
    for (const [key, value] of pairs) if (value !== undefined) fromFiles[key] = value;
  }
  const own = Object.entries(service.environment ?? {}).map(([key, value]): [string, string | null] => [
    key,
    value ?? env[key] ?? null,
  ]);
  return { ...service, environment: { ...fromFiles, ...Object.fromEntries(own) } };
}

function textOf(path: string, required: boolean, where: () => string): string | undefined {
  try {
    return readText(path);
  } catch (error) {
    if (!required) return undefined;
    if (error instanceof Error) error.message = `${where()}: ${error.message}`;
    throw error;
  }
}
