import { parsePublish } from '../spec/parse/network.js';
import { isObject, type Json, type JsonObject } from './json.js';
import type { Place } from './place.js';
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
  expose: (value) => list(value).map(text),
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

function list(value: Json): Json[] {
  return Array.isArray(value) ? value : [value];
}

function text(value: Json): string {
  return value === null ? '' : String(value);
}

function texts(value: Json): string[] {
  return list(value).map(text);
}

function truth(value: Json, at: Place): boolean {
  return at.truth(value);
}

function path(value: Json, at: Place): string {
  return at.resolved(text(value));
}

/** `[KEY=VALUE, KEY]` or a mapping, as a mapping of texts. */
function mapping(value: Json): JsonObject {
  return mapOf(value, '=', '');
}

/** As `mapping`, but a variable without a value takes that of the caller. */
function variables(value: Json, at: Place): JsonObject {
  const map = mapOf(value, '=', null);
  if (Object.hasOwn(map, '')) throw at.error('the name of a variable is missing before =');
  return map;
}

function mapOf(value: Json, separator: string, missing: null | ''): JsonObject {
  if (isObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, one === null ? missing : text(one)]),
    );
  return Object.fromEntries(
    texts(value).map((one): [string, Json] => {
      const at = one.indexOf(separator);
      return at < 0 ? [one, missing] : [one.slice(0, at), one.slice(at + 1)];
    }),
  );
}

/** A list of names, or a mapping of names to what is said about them. */
function byName(value: Json): JsonObject {
  if (isObject(value)) return value;
  return Object.fromEntries(texts(value).map((name) => [name, null]));
}

function words(value: Json, at: Place): Json {
  if (Array.isArray(value)) return value.map(text);
  const split = shellWords(text(value));
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
  const raw: JsonObject = isObject(value) ? value : { context: text(value) };
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
  const context = text(own.context ?? '.');
  const contexts = own.additional_contexts;
  return {
    ...own,
    context: isRemote(context) ? context : at.resolved(context),
    ...(isObject(contexts) && {
      additional_contexts: Object.fromEntries(
        Object.entries(contexts).map(([name, one]) => [
          name,
          isRemote(text(one)) ? one : at.resolved(text(one)),
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
      path: at.resolved(text(said.path ?? '')),
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
  const [source = '', target = source, permissions = 'rwm', ...rest] = text(value).split(':');
  if (rest.length > 0 || source === '') throw at.error('expected SOURCE[:TARGET[:PERMISSIONS]]');
  return { source, target, permissions };
}

/** The use of a config or secret: `source` is its name. */
function fileUse(value: Json, at: Place): Json {
  const use = isObject(value) ? value : { source: text(value) };
  const { mode, ...rest } = use;
  if (typeof use.source !== 'string') throw at.error('source is missing');
  if (mode === undefined || mode === null) return rest;
  // YAML has made a number of 0440; a text such as "0440" has not been read yet
  const number =
    typeof mode === 'number'
      ? mode
      : /^0?o?[0-7]{1,5}$/.test(text(mode))
        ? Number.parseInt(text(mode).replace(/^0?o/, ''), 8)
        : -1;
  if (!Number.isInteger(number) || number < 0 || number > 0o7777)
    throw at.below('mode').error('expected an octal mode such as 0440');
  return { ...rest, mode: number };
}

function ports(value: Json, at: Place): JsonObject[] {
  const { target, published, protocol, host_ip, mode, ...rest } = isObject(value) ? value : { target: value };
  const isLong = isObject(value);
  const inside = text(target ?? '');
  if (isLong && !/^\d{1,5}(-\d{1,5})?$/.test(inside))
    throw at.error(
      inside === '' ? 'target is missing' : `target: expected a port, got ${JSON.stringify(target)}`,
    );
  const outside =
    published === undefined || published === null || published === '' || String(published) === '0'
      ? []
      : [text(published)];
  const address = host_ip === undefined || host_ip === null ? '' : text(host_ip);
  const ip = address === '' ? [] : [address.includes(':') ? `[${address}]` : address];
  // an address needs a place for the port of the host, even if it is any
  const written = isLong
    ? `${[...ip, ...(ip.length > 0 && outside.length === 0 ? [''] : outside), inside].join(':')}/${text(protocol ?? 'tcp')}`
    : inside.replace(/(^|:)0:(?=\d)/, (_, before: string) => (before === '' ? '' : '::'));
  const found = at.parsed(() => parsePublish(written));
  return found.map(({ hostIp, hostPort, containerPort, protocol: parsed }) => ({
    ...rest,
    mode: mode ?? 'ingress',
    target: containerPort,
    ...(hostPort !== 0 && { published: String(hostPort) }),
    protocol: parsed,
    ...(hostIp !== '' && { host_ip: hostIp }),
  }));
}

const PROPAGATION = ['rprivate', 'private', 'rslave', 'slave', 'rshared', 'shared'];
/** Words of the short form that say nothing here: caches of Docker Desktop, and the default. */
const NOTHING = ['rw', 'cached', 'delegated', 'consistent'];

function mount(value: Json, at: Place): JsonObject {
  if (isObject(value)) return longMount(value, at);
  const [first = '', second, mode = '', ...rest] = text(value).split(':');
  if (rest.length > 0 || first === '') throw at.error('expected [SOURCE:]TARGET[:MODE]');
  if (second === undefined) return { type: 'volume', target: first };
  const isPath = /^[./~]/.test(first);
  const bind: JsonObject = { create_host_path: true };
  const result: JsonObject = isPath
    ? { type: 'bind', source: at.resolved(first), target: second }
    : { type: 'volume', source: first, target: second };
  for (const word of mode.split(',').filter(Boolean)) {
    if (word === 'ro') result.read_only = true;
    else if (word === 'z' || word === 'Z') bind.selinux = word;
    else if (word === 'nocopy') result.volume = { nocopy: true };
    else if (PROPAGATION.includes(word)) bind.propagation = word;
    else if (!NOTHING.includes(word))
      throw at.error(`unknown option ${JSON.stringify(word)} of a mount, expected ro, rw, nocopy, z or Z`);
  }
  return isPath ? { ...result, bind } : result;
}

function longMount(value: JsonObject, at: Place): JsonObject {
  const { read_only, bind, volume, ...rest } = value;
  const isReadOnly = read_only !== undefined && read_only !== null && at.below('read_only').truth(read_only);
  const own: JsonObject = { ...rest, ...(isReadOnly && { read_only: true }) };
  if (typeof value.target !== 'string') throw at.error('target is missing');
  if (value.type === 'bind') {
    if (typeof value.source !== 'string') throw at.error('source is missing');
    const said = isObject(bind) ? bind : {};
    const creates = at.below('bind', 'create_host_path').truth(said.create_host_path ?? true);
    return { ...own, source: at.resolved(value.source), bind: { ...said, create_host_path: creates } };
  }
  if (isObject(volume)) {
    const nocopy = at.below('volume', 'nocopy').truth(volume.nocopy ?? false);
    const { nocopy: _, labels, ...others } = volume;
    own.volume = { ...others, ...(nocopy && { nocopy }), ...(labels && { labels: mapping(labels) }) };
  }
  return own;
}
