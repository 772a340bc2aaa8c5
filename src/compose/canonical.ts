import { isObject, type Json, type JsonObject, textOf } from './json.js';
import { list, mapOf, mapping, texts } from './mappings.js';
import { mount } from './mounts.js';
import type { Place } from './place.js';
import { ports } from './ports.js';
import { shellWords } from './words.js';

/**
 * Turns the short forms of the Compose Specification into long ones, and paths into absolute ones, so that there is one form to
 * merge and to read. The document has been checked with the schema.
 */

type Turn = (value: Json, at: Place) => Json;

/** Fields of a service that are not listed stay as they are. */
const SERVICE: Readonly<Record<string, Turn>> = {
  annotations: mapping,
  attach: truth,
  build,
  command: words,
  configs: (value, at) => list(value).map((one, index) => fileUse(one, at.below(index))),
  depends_on: dependencies,
  devices: (value, at) => list(value).map((one, index) => device(one, at.below(index))),
  dns: texts,
  dns_search: texts,
  entrypoint: words,
  env_file: (value, at) => envFiles(value, at),
  environment: (value, at) => variables(value, at),
  expose: (value) => list(value).map(textOf),
  extra_hosts: hosts,
  healthcheck,
  init: truth,
  label_file: (value, at) => texts(value).map((file) => at.resolved(file)),
  labels: mapping,
  networks: byName,
  oom_kill_disable: truth,
  ports: (value, at) => list(value).flatMap((one, index) => ports(one, at.below(index))),
  post_start: hooks,
  pre_stop: hooks,
  privileged: truth,
  read_only: truth,
  secrets: (value, at) => list(value).map((one, index) => fileUse(one, at.below(index))),
  stdin_open: truth,
  sysctls: mapping,
  tmpfs: texts,
  tty: truth,
  ulimits: (value) => ulimits(value),
  volumes: (value, at) => list(value).map((one, index) => mount(one, at.below(index))),
  develop,
};

export function canonicalService(raw: JsonObject, at: Place): JsonObject {
  return turned(raw, SERVICE, at);
}

const NETWORK: Readonly<Record<string, Turn>> = {
  attachable: truth,
  driver_opts: mapping,
  enable_ipv4: truth,
  enable_ipv6: truth,
  internal: truth,
  labels: mapping,
};

const FILE: Readonly<Record<string, Turn>> = { file: path, labels: mapping };

/** A network, volume, secret or config of the top level. */
export function canonicalResource(
  kind: 'networks' | 'volumes' | 'secrets' | 'configs',
  raw: Json,
  at: Place,
): JsonObject {
  const { external = false, ...rest } = isObject(raw) ? raw : {};
  const own = turned(rest, kind === 'networks' || kind === 'volumes' ? NETWORK : FILE, at);
  // the old form: external: { name: NAME }
  if (isObject(external)) return { ...own, ...(external.name && { name: external.name }), external: true };
  return at.below('external').truth(external) ? { ...own, external: true } : own;
}

function turned(raw: JsonObject, turns: Readonly<Record<string, Turn>>, at: Place): JsonObject {
  return Object.fromEntries(
    Object.entries(raw).flatMap(([key, value]): [string, Json][] => {
      const turn = Object.hasOwn(turns, key) ? turns[key] : undefined;
      // nothing at all means that it was not said, except that a command of nothing is the image's
      if (value === null) return key.startsWith('x-') ? [[key, value]] : [];
      return [[key, turn === undefined ? value : turn(value, at.below(key))]];
    }),
  );
}

function truth(value: Json, at: Place): boolean {
  return at.truth(value);
}

function path(value: Json, at: Place): string {
  return at.resolved(textOf(value));
}

/** As `mapping`, but a variable without a value takes that of the caller. */
function variables(value: Json, at: Place): JsonObject {
  const map = mapOf(value, null);
  if (Object.hasOwn(map, '')) throw at.error('the name of a variable is missing before =');
  return map;
}

/** A list of names, or a mapping of names to what is said about them. */
function byName(value: Json): JsonObject {
  if (isObject(value)) return value;
  return Object.fromEntries(texts(value).map((name) => [name, null]));
}

function words(value: Json, at: Place): Json {
  if (Array.isArray(value)) return value.map(textOf);
  const split = shellWords(textOf(value));
  if (split === undefined) throw at.error('a quote is not closed');
  return split;
}

function dependencies(value: Json, at: Place): JsonObject {
  return Object.fromEntries(
    Object.entries(byName(value)).map(([name, one]): [string, Json] => {
      const said = isObject(one) ? one : {};
      const restart = said.restart !== undefined && at.below(name, 'restart').truth(said.restart);
      return [
        name,
        {
          condition: said.condition ?? 'service_started',
          required: said.required ?? true,
          ...(restart && { restart }),
        },
      ];
    }),
  );
}

function build(value: Json, at: Place): JsonObject {
  const raw: JsonObject = isObject(value) ? value : { context: textOf(value) };
  const own = turned(
    raw,
    {
      additional_contexts: mapping,
      args: (one, below) => variables(one, below),
      extra_hosts: hosts,
      labels: mapping,
      no_cache: truth,
      privileged: truth,
      pull: truth,
      secrets: (one, below) => list(one).map((use, index) => fileUse(use, below.below(index))),
      ssh: mapping,
      ulimits: (one) => ulimits(one),
    },
    at,
  );
  const context = textOf(own.context ?? '.');
  const contexts = own.additional_contexts;
  return {
    ...own,
    context: isRemote(context) ? context : at.resolved(context),
    ...(isObject(contexts) && {
      additional_contexts: Object.fromEntries(
        Object.entries(contexts).map(([name, one]) => [
          name,
          isRemote(textOf(one)) ? one : at.resolved(textOf(one)),
        ]),
      ),
    }),
  };
}

/** `https://...`, `docker-image://...`, `service:NAME`, `git@...` */
function isRemote(context: string): boolean {
  return /^([a-z][a-z0-9+.-]*:|git@)/.test(context);
}

function envFiles(value: Json, at: Place): Json {
  return list(value).map((one, index) => {
    const below = at.below(index);
    const said = isObject(one) ? one : { path: one };
    const required = said.required === undefined || below.below('required').truth(said.required);
    return {
      path: at.resolved(textOf(said.path ?? '')),
      required,
      ...(said.format !== undefined && { format: said.format }),
    };
  });
}

/** `HOST:ADDRESS` or `HOST=ADDRESS` each, or a mapping: the addresses of each name. */
function hosts(value: Json, at: Place): JsonObject {
  const pairs: [string, string][] = isObject(value)
    ? Object.entries(value).flatMap(([name, addresses]) =>
        texts(addresses).map((address): [string, string] => [name, address]),
      )
    : texts(value).map((one, index) => {
        const [, name, address] = /^([^=:\s]+)\s*[=:]\s*(\S+)$/.exec(one) ?? [];
        if (name === undefined || address === undefined)
          throw at.below(index).error(`expected HOST=ADDRESS, got ${JSON.stringify(one)}`);
        return [name, address];
      });
  const found = new Map<string, string[]>();
  for (const [name, address] of pairs)
    found.set(name, [...(found.get(name) ?? []), address.replace(/^\[(.*)\]$/, '$1')]);
  return Object.fromEntries(found);
}

function healthcheck(value: Json, at: Place): Json {
  if (!isObject(value)) return value;
  const { test, disable, retries, ...rest } = value;
  const written =
    typeof test === 'string' ? ['CMD-SHELL', test] : test === undefined ? undefined : texts(test ?? []);
  if (written !== undefined && !['NONE', 'CMD', 'CMD-SHELL'].includes(written[0] ?? ''))
    throw at
      .below('test')
      .error('the first word must be NONE, CMD or CMD-SHELL', 'a text alone is for the shell');
  if (written !== undefined && written.length < 2 && written[0] !== 'NONE')
    throw at.below('test').error('the command is missing');
  return {
    ...rest,
    ...(written && { test: written }),
    ...(retries !== undefined && retries !== null && { retries: at.below('retries').count(retries) }),
    ...(disable !== undefined && disable !== null && { disable: at.below('disable').truth(disable) }),
  };
}

function hooks(value: Json, at: Place): Json {
  return list(value).map((one, index) =>
    isObject(one)
      ? turned(
          one,
          { command: words, privileged: truth, environment: (env, below) => variables(env, below) },
          at.below(index),
        )
      : one,
  );
}

function develop(value: Json, at: Place): Json {
  if (!isObject(value)) return value;
  const { watch = [], ...rest } = value;
  return {
    ...rest,
    watch: list(watch).map((one, index) =>
      isObject(one)
        ? turned(
            one,
            {
              path,
              ignore: texts,
              include: texts,
              exec: (hook, below) => list(hooks([hook], below))[0] ?? null,
            },
            at.below('watch', index),
          )
        : one,
    ),
  };
}

function ulimits(value: Json): Json {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, limit]) => [
      name,
      isObject(limit) ? limit : { soft: limit, hard: limit },
    ]),
  );
}

function device(value: Json, at: Place): Json {
  if (isObject(value)) return { target: value.source ?? null, permissions: 'rwm', ...value };
  const [source = '', target = source, permissions = 'rwm', ...rest] = textOf(value).split(':');
  if (rest.length > 0 || source === '') throw at.error('expected SOURCE[:TARGET[:PERMISSIONS]]');
  return { source, target, permissions };
}

/** The use of a config or secret: `source` is its name. */
function fileUse(value: Json, at: Place): Json {
  const use = isObject(value) ? value : { source: textOf(value) };
  const { mode, ...rest } = use;
  if (typeof use.source !== 'string') throw at.error('source is missing');
  if (mode === undefined || mode === null) return rest;
  // YAML has made a number of 0440; a text such as "0440" has not been read yet
  const number =
    typeof mode === 'number'
      ? mode
      : /^0?o?[0-7]{1,5}$/.test(textOf(mode))
        ? Number.parseInt(textOf(mode).replace(/^0?o/, ''), 8)
        : -1;
  if (!Number.isInteger(number) || number < 0 || number > 0o7777)
    throw at.below('mode').error('expected an octal mode such as 0440');
  return { ...rest, mode: number };
}
