import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BuildRequest, NamedContext, RunSettings } from '../../engine/builds.js';
import { parseAddHost, parseDns, parseDnsOption, parseDnsSearch } from '../../spec/hosts.js';
import { parseDuration } from '../../spec/parse/duration.js';
import { flagError, unsupportedValue } from '../../spec/parse/flag.js';
import { parseBuildNetwork, usualNetwork } from '../../spec/parse/network.js';
import { type PlatformFlags, parsePull, platformOf } from '../../spec/parse/platform.js';
import { type LimitFlags, parseLimits } from '../../spec/parse/resources.js';
import { parseSecurityOptions } from '../../spec/parse/security-options.js';
import { parseSize } from '../../spec/parse/sizes.js';
import { parseUlimits } from '../../spec/parse/ulimits.js';
import { type PathContext, parseVolume } from '../../spec/parse/volumes.js';
import type { Mount } from '../../spec/types.js';
import { resolveCapabilities } from '../../sys/capabilities.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { warn } from '../output.js';
import { type NamespaceFlags, namespaceSettings } from './build-namespaces.js';
import { type RegistryFlags, registryAccess } from './registry-options.js';

export interface BuildFlags extends RegistryFlags, PlatformFlags, NamespaceFlags, LimitFlags {
  tag?: string[];
  file?: string;
  buildArg?: string[];
  httpProxy?: boolean;
  buildContext?: string[];
  from?: string;
  ignorefile?: string;
  target?: string;
  cache: boolean;
  noCacheFilter?: string[];
  pull?: boolean | string;
  label?: string[];
  annotation?: string[];
  env?: string[];
  unsetenv?: string[];
  format: string;
  squashAll?: boolean;
  omitHistory?: boolean;
  network?: string;
  volume?: string[];
  addHost?: string[];
  dns?: string[];
  dnsSearch?: string[];
  dnsOption?: string[];
  hosts: boolean;
  shmSize?: string;
  capAdd?: string[];
  capDrop?: string[];
  securityOpt?: string[];
  ulimit?: string[];
  timestamp?: string;
  progress?: string;
  iidfile?: string;
  metadataFile?: string;
  logfile?: string;
  push?: boolean;
  output?: string[];
  cacheFrom?: string[];
  provenance?: string;
  sbom?: string;
  retry?: string;
  retryDelay?: string;
  manifest?: string;
  secret?: string[];
  ssh?: string[];
  rm: boolean;
  forceRm: boolean;
  layers: boolean;
  skipUnusedStages: boolean;
  load: boolean;
}

/** The request for the flags. @throws FosterError */
export async function toRequest(context: string, flags: BuildFlags): Promise<BuildRequest> {
  if (context === '') throw flagError('CONTEXT', context, 'expected a directory or -');
  checkUsual(flags);
  checkWithoutEffect(flags);
  if (!flags.hosts && flags.addHost !== undefined)
    throw new FosterError('--no-hosts and --add-host cannot be used together');
  if (flags.progress !== undefined && !['plain', 'auto', 'tty', 'quiet'].includes(flags.progress)) {
    throw flagError('--progress', flags.progress, 'expected plain or quiet');
  }
  return {
    context,
    file: flags.file,
    tags: await Promise.all((flags.tag ?? []).map(tagName)),
    buildArgs: new Map([...(flags.httpProxy ? proxies() : []), ...(flags.buildArg ?? []).flatMap(buildArg)]),
    contexts: new Map((flags.buildContext ?? []).map(namedContext)),
    from: flags.from,
    ignoreFile: flags.ignorefile,
    target: flags.target,
    useCache: flags.cache,
    uncachedStages: listOf(flags.noCacheFilter).map((stage) => stage.toLowerCase()),
    pull: parsePull(String(flags.pull ?? 'missing')),
    labels: Object.fromEntries((flags.label ?? []).map((text) => pair('--label', text))),
    annotations: Object.fromEntries((flags.annotation ?? []).map((text) => pair('--annotation', text))),
    env: (flags.env ?? []).map(variable),
    unsetEnv: listOf(flags.unsetenv),
    format: format(flags.format),
    squashesAll: flags.squashAll ?? false,
    omitsHistory: flags.omitHistory ?? false,
    network: parseBuildNetwork(flags.network, usualNetwork(process.env.FOSTER_NETWORK)),
    container: runSettings(flags),
    limits: parseLimits(flags),
    timestamp: flags.timestamp === undefined ? undefined : timestamp(flags.timestamp),
    isQuiet: flags.quiet || flags.progress === 'quiet',
    iidfile: flags.iidfile === undefined ? undefined : resolve(flags.iidfile),
    platform: platformOf(flags, process.arch),
    secrets: new Map((flags.secret ?? []).map(secret)),
    agents: new Map((flags.ssh ?? []).map(agent)),
    access: { ...(await registryAccess(flags)), ...parseRetries(flags) },
  };
}

/** Switches for fixed behaviour: they can be given, but not be switched off. */
function checkUsual(flags: BuildFlags): void {
  const cases: [name: string, isOn: boolean, why: string, advice: string][] = [
    ['--rm', flags.rm, 'no container of a step is kept', "use 'foster run' for a look around"],
    ['--force-rm', flags.forceRm, 'no container of a step is kept', "use 'foster run' for a look around"],
    ['--layers', flags.layers, 'each step is cached', 'use --no-cache, or --squash-all for a single layer'],
    ['--skip-unused-stages', flags.skipUnusedStages, 'only what the image needs is built', 'use --target'],
    ['--load', flags.load, 'images are built into the store', "use 'foster rmi' afterwards"],
  ];
  for (const [name, isOn, because, advice] of cases)
    if (!isOn)
      throw new FosterError(`build ${name}=false is not supported: ${because}`, {
        kind: 'unsupported',
        advice,
      });
}

/** What builds of others have, and changes nothing of the image here. @throws FosterError */
function checkWithoutEffect({ cacheFrom, provenance, sbom }: BuildFlags): void {
  if (cacheFrom !== undefined)
    warn('--cache-from is left out: only what has been built on this machine is not built again');
  for (const [flag, value = 'false'] of [
    ['--provenance', provenance],
    ['--sbom', sbom],
  ] as const) {
    if (['false', '0'].includes(value)) continue;
    throw unsupportedValue(flag, value, 'foster makes no attestations', `use ${flag}=false`);
  }
}

/** How often what a registry has not answered is asked again, and after how long. @throws FosterError */
function parseRetries({ retry, retryDelay }: BuildFlags): { retries?: number; retryDelay?: number } {
  if (retry !== undefined && !/^\d{1,3}$/.test(retry)) throw flagError('--retry', retry, 'expected a number');
  return {
    ...(retry !== undefined && { retries: Number(retry) }),
    ...(retryDelay !== undefined && { retryDelay: parseDuration('--retry-delay', retryDelay) }),
  };
}

/** The values of an option that may be given several times, each possibly a list with commas. */
function listOf(values: string[] = []): string[] {
  return values.flatMap((value) => value.split(',')).filter(Boolean);
}

function runSettings(flags: BuildFlags): RunSettings {
  const paths = { cwd: process.cwd(), exists: existsSync };
  const { noNewPrivileges = true, seccomp = 'default' } = parseSecurityOptions(
    flags.securityOpt ?? [],
    paths,
  );
  return {
    capabilities: resolveCapabilities(listOf(flags.capAdd), listOf(flags.capDrop)),
    noNewPrivileges,
    seccomp,
    rlimits: parseUlimits(flags.ulimit ?? []),
    addHosts: (flags.addHost ?? []).map(parseAddHost),
    dns: listOf(flags.dns).map(parseDns),
    ...(flags.dnsSearch && { dnsSearch: parseDnsSearch(listOf(flags.dnsSearch)) }),
    ...(flags.dnsOption && { dnsOptions: listOf(flags.dnsOption).map(parseDnsOption) }),
    ...(!flags.hosts && { without: ['/etc/hosts'] }),
    ...(flags.shmSize !== undefined && { shmSize: parseSize('--shm-size', flags.shmSize) }),
    ...namespaceSettings(flags),
    volumes: (flags.volume ?? []).map((value) => parseBind(value, paths)),
  };
}

/** @throws FosterError for a volume, which RUN does not support */
function parseBind(value: string, paths: PathContext): Mount {
  const { isIdmapped, ...mount } = parseVolume(value, paths);
  if (isIdmapped) throw unsupportedValue('--volume', value, 'RUN has no idmapped mounts', 'leave idmap out');
  if (mount.type === 'bind') return mount;
  throw unsupportedValue('--volume', value, 'RUN has no volumes', 'give a path, such as ./DIR:/DST');
}

/** `NAME=SOURCE` */
function namedContext(text: string): [string, NamedContext] {
  const [, name = '', source = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === '')
    throw flagError('--build-context', text, 'expected NAME=DIRECTORY or NAME=docker-image://IMAGE');
  const [, image] = /^(?:docker-image|container-image|docker):\/\/(.+)$/.exec(source) ?? [];
  if (image !== undefined) return [name, { image }];
  const folder = resolve(source);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [name, { folder }];
  throw flagError('--build-context', text, 'expected a directory or docker-image://IMAGE');
}

/** `NAME=VALUE`, or NAME alone for the caller's value. */
function variable(text: string): string {
  if (!/^[^=]+/.test(text)) throw flagError('--env', text, 'expected NAME=VALUE');
  return text.includes('=') ? text : `${text}=${process.env[text] ?? ''}`;
}

function format(text: string): BuildRequest['format'] {
  if (text === 'oci' || text === 'docker') return text;
  throw flagError('--format', text, 'expected oci or docker');
}

/** `ID` or `ID=SOCKET` */
function agent(text: string): [string, string] {
  const [id = '', path = process.env.SSH_AUTH_SOCK] = text.split(/=(.*)/s);
  if (id === '') throw flagError('--ssh', text, 'expected default or ID=SOCKET');
  if (!path) throw flagError('--ssh', text, 'there is no SSH agent', 'start one with: eval $(ssh-agent)');
  if (statSync(path, { throwIfNoEntry: false })?.isSocket()) return [id, resolve(path)];
  throw flagError(
    '--ssh',
    text,
    `${path} is not the socket of an SSH agent`,
    'add keys to an agent with ssh-add',
  );
}

async function tagName(text: string): Promise<string> {
  const { fullName } = await import('../../engine/images.js');
  const name = await fullName(text);
  if (name.includes('@')) throw new FosterError(`--tag ${text}: expected NAME[:TAG], without a digest`);
  return name;
}

function buildArg(text: string): [string, string][] {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === '') throw flagError('--build-arg', text, 'expected NAME=VALUE');
  const value = equals < 0 ? process.env[name] : text.slice(equals + 1);
  return value === undefined ? [] : [[name, value]];
}

/** The caller's proxy variables, as values of the predefined ARGs. */
function proxies(): [string, string][] {
  return ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy']
    .flatMap((name) => [name, name.toUpperCase()])
    .flatMap(buildArg);
}

/** BuildKit's limit. */
const MAX_SECRET = 500 * 1024;

/** As in Docker: without src or env, it is the variable of that name or, if there is none, the file. */
function secret(text: string): [string, Buffer] {
  const options = new Map(text.split(',').map((part) => part.split(/=(.*)/s, 2) as [string, string]));
  const id = options.get('id') ?? '';
  const known = ['id', 'src', 'source', 'env', 'type'];
  if (id === '' || [...options.keys()].some((name) => !known.includes(name))) {
    throw flagError('--secret', text, 'expected id=NAME,src=FILE or id=NAME,env=VARIABLE');
  }
  const file = options.get('src') ?? options.get('source');
  const variable =
    options.get('env') ?? (file === undefined && process.env[id] !== undefined ? id : undefined);
  if (variable !== undefined) {
    const value = process.env[variable];
    if (value === undefined) throw flagError('--secret', text, `there is no variable ${variable}`);
    return [id, Buffer.from(value)];
  }
  return [id, readSecret(file ?? id, text)];
}

function readSecret(path: string, text: string): Buffer {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw flagError(
      '--secret',
      text,
      `cannot read ${path}: ${errnoWords(errnoNumber(errnoOf(error) ?? ''))}`,
    );
  }
  if (content.length <= MAX_SECRET) return content;
  throw flagError('--secret', text, 'a secret can have at most 500 KiB');
}

function pair(flag: string, text: string): [string, string] {
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  if (key === '') throw flagError(flag, text, 'expected KEY=VALUE or KEY');
  return [key, equals < 0 ? '' : text.slice(equals + 1)];
}

function timestamp(value: string): number {
  const seconds = /^\d{1,11}$/.test(value) ? Number(value) : Number.NaN;
  if (seconds <= 8_589_934_591) return seconds;
  throw flagError('--timestamp', value, 'expected seconds since 1970');
}
