import { posix, resolve } from 'node:path';
import { resolveCapabilities } from '../../sys/capabilities.js';
import { FosterError } from '../../sys/errors.js';
import { parseAddHost, parseDns } from '../hosts.js';
import { parseHostname, parseName } from '../names.js';
import type { NetworkMode, PidMode, RunRequest, UsernsMode } from '../request.js';
import type { Mount } from '../types.js';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from './detach-keys.js';
import { type Environment, parseEnv, parseEnvFile } from './environment.js';
import { flagError } from './flag.js';
import { parseHealth } from './health.js';
import { parseLogOptions } from './logging.js';
import { parseRestart } from './restart.js';
import { parseSecurityOptions } from './security-options.js';
import { parseSignal } from './signals.js';
import { parseSize } from './sizes.js';
import { parseSysctl } from './sysctl.js';
import { parseUlimits } from './ulimits.js';
import { checkDuplicateMounts, type PathContext, parseMount, parseTmpfs, parseVolume } from './volumes.js';

/** The options of `foster run` as strings; undefined if not given. */
export interface RunFlags {
  name?: string;
  rm?: boolean;
  label?: string[];
  cidfile?: string;
  detach?: boolean;
  pull?: string;
  platform?: string;
  detachKeys?: string;
  restart?: string;
  logOpt?: string[];
  logDriver?: string;
  healthCmd?: string;
  healthInterval?: string;
  healthTimeout?: string;
  healthStartPeriod?: string;
  healthRetries?: string;
  healthcheck?: boolean;
  interactive?: boolean;
  tty?: boolean;
  env?: string[];
  envFile?: string[];
  workdir?: string;
  user?: string;
  entrypoint?: string;
  stopSignal?: string;
  stopTimeout?: string;
  readOnly?: boolean;
  maxUnpackedSize?: string;
  network?: string;
  hostname?: string;
  dns?: string[];
  addHost?: string[];
  pid?: string;
  userns?: string;
  ulimit?: string[];
  sysctl?: string[];
  capAdd?: string[];
  capDrop?: string[];
  securityOpt?: string[];
  privileged?: boolean;
  init?: boolean;
  initSignalGroup?: boolean;
  initVerbose?: boolean;
  dryRun?: boolean;
  explain?: boolean;
}

/** A -v, --mount or --tmpfs with its value, in command-line order. */
export interface MountFlag {
  kind: 'volume' | 'mount' | 'tmpfs';
  value: string;
}

/** The parts of the caller's environment that flags refer to. */
export interface RunContext extends PathContext {
  env: Environment;
  /** Reads a text file; throws as node:fs does. */
  readText: (path: string) => string;
}

const DEFAULT_STOP_TIMEOUT = '10';

/**
 * Converts the options of `foster run` to a request. Checks each option, and their combinations.
 * @throws FosterError
 */
export function toRequest(
  root: string,
  command: string[],
  options: RunFlags,
  mountFlags: MountFlag[],
  context: RunContext,
): RunRequest {
  if (root === '')
    throw flagError('ROOT', root, 'expected a directory, a tar file, - or the name of a recipe');
  const init = options.init ?? true;
  if (!init && (options.initSignalGroup || options.initVerbose)) {
    const flag = options.initSignalGroup ? '--init-signal-group' : '--init-verbose';
    throw new FosterError(`${flag} and --no-init cannot be used together`);
  }
  const network = parseNetwork(options.network ?? 'none');
  const privileged = options.privileged ?? false;
  const security = parseSecurityOptions(options.securityOpt ?? [], context);
  const capabilitiesAdded = [...(privileged ? ['ALL'] : []), ...splitCommas(options.capAdd)];
  const request: RunRequest = {
    root,
    command,
    name: ifGiven(options.name, parseName),
    rm: options.rm ?? false,
    detach: options.detach ?? false,
    detachKeys: parseDetachKeys(options.detachKeys ?? DEFAULT_DETACH_KEYS),
    restart: parseRestart(options.restart ?? 'no'),
    logging: parseLogOptions(options.logOpt ?? []),
    health: parseHealth(options),
    pull: parsePull(options.pull ?? 'missing'),
    platform: ifGiven(options.platform, parsePlatform),
    cidfile: ifGiven(options.cidfile, (file) => resolve(context.cwd, file)),
    labels: Object.fromEntries((options.label ?? []).map(parseLabel)),
    interactive: options.interactive ?? false,
    tty: options.tty ?? false,
    init,
    initSignalGroup: options.initSignalGroup ?? false,
    initVerbose: options.initVerbose ?? false,
    entrypoint: ifGiven(options.entrypoint, parseEntrypoint),
    env: parseEnvironment(options, context),
    workdir: ifGiven(options.workdir, parseWorkdir),
    user: options.user || undefined,
    hostname: ifGiven(options.hostname, parseHostname),
    mounts: mountFlags.map((flag) => parseMountFlag(flag, context)),
    readOnly: options.readOnly ?? false,
    network,
    pid: parsePid(options.pid ?? ''),
    userns: parseUserns(options.userns ?? ''),
    rlimits: parseUlimits(options.ulimit ?? []),
    sysctl: parseSysctls(options.sysctl ?? [], network),
    dns: (options.dns ?? []).map(parseDns),
    addHosts: (options.addHost ?? []).map(parseAddHost),
    capabilities: resolveCapabilities(capabilitiesAdded, splitCommas(options.capDrop)),
    wantsMknod: capabilitiesAdded.some((name) => /^(all|(cap_)?mknod)$/i.test(name)),
    noNewPrivileges: security.noNewPrivileges ?? !privileged,
    seccomp: security.seccomp ?? (privileged ? 'unconfined' : 'default'),
    privileged,
    stopSignal: ifGiven(options.stopSignal, (signal) => parseSignal('--stop-signal', signal)),
    stopTimeout: parseStopTimeout(options.stopTimeout ?? DEFAULT_STOP_TIMEOUT),
    maxUnpackedSize: ifGiven(options.maxUnpackedSize, (size) => parseSize('--max-unpacked-size', size)),
    dryRun: options.dryRun ?? false,
    explain: options.explain ?? false,
  };
  checkDuplicateMounts(request.mounts);
  if (request.rm && request.restart.policy !== 'no')
    throw new FosterError('--rm and --restart cannot be used together');
  if (request.detach && request.initVerbose) {
    throw new FosterError('--init-verbose and --detach cannot be used together', {
      advice: "see 'foster events' instead",
    });
  }
  return request;
}

function ifGiven<T>(value: string | undefined, parse: (value: string) => T): T | undefined {
  return value === undefined ? undefined : parse(value);
}

function splitCommas(values: string[] = []): string[] {
  return values.flatMap((value) => value.split(','));
}

function parseMountFlag({ kind, value }: MountFlag, context: RunContext): Mount {
  switch (kind) {
    case 'volume':
      return parseVolume(value, context);
    case 'mount':
      return parseMount(value, context);
    case 'tmpfs':
      return parseTmpfs(value);
  }
}

/** Variables of all --env-file options, then of all -e options, as in Docker. */
function parseEnvironment(options: RunFlags, context: RunContext): string[] {
  const fromFiles = (options.envFile ?? []).flatMap((file) =>
    parseEnvFile(readEnvFile(file, context), file, context.env),
  );
  const fromFlags = (options.env ?? []).flatMap((value) => parseEnv(value, context.env) ?? []);
  return [...fromFiles, ...fromFlags];
}

function readEnvFile(file: string, context: RunContext): string {
  try {
    return context.readText(resolve(context.cwd, file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const problem = code === 'ENOENT' ? 'no such file' : `the file cannot be read (${code})`;
    throw flagError('--env-file', file, problem);
  }
}

function parseLabel(value: string): [string, string] {
  const equals = value.indexOf('=');
  const key = equals < 0 ? value : value.slice(0, equals);
  if (key === '') throw flagError('--label', value, 'expected KEY=VALUE or KEY');
  return [key, equals < 0 ? '' : value.slice(equals + 1)];
}

/** A command, or as in Podman a JSON array of a command and arguments; '' clears the image's. */
function parseEntrypoint(value: string): string[] {
  if (value === '') return [];
  if (!value.startsWith('[')) return [value];
  const words = parseJson(value);
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) {
    throw flagError('--entrypoint', value, 'expected a command or a JSON array of strings');
  }
  return words;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseWorkdir(value: string): string {
  if (!value.startsWith('/'))
    throw flagError('--workdir', value, 'expected an absolute path in the container');
  return posix.resolve('/', value);
}

function parseNetwork(value: string): NetworkMode {
  if (value === 'none' || value === 'host') return value;
  throw flagError('--network', value, 'expected none or host; other networks are not supported yet');
}

function parsePull(value: string): RunRequest['pull'] {
  if (value === 'missing' || value === 'always' || value === 'newer' || value === 'never') return value;
  throw flagError('--pull', value, 'expected missing, always, newer or never');
}

function parsePlatform(value: string): string {
  if (/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9]+)?$/.test(value)) return value;
  throw flagError('--platform', value, 'expected OS/ARCHITECTURE, for example linux/arm64');
}

function parsePid(value: string): PidMode {
  if (value === '' || value === 'private') return { kind: 'private' };
  if (value === 'host') return { kind: 'host' };
  const reference = value.startsWith('container:') ? value.slice('container:'.length) : '';
  if (reference === '') throw flagError('--pid', value, 'expected private, host or container:NAME');
  return { kind: 'container', reference };
}

function parseUserns(value: string): UsernsMode {
  switch (value) {
    case '':
    case 'private':
    case 'default':
      return 'default';
    case 'host':
    case 'keep-id':
    case 'auto':
      return value;
    default:
      throw flagError('--userns', value, 'expected default, host, keep-id or auto');
  }
}

function parseSysctls(values: string[], network: NetworkMode): Record<string, string> {
  const parsed = values.map((value) => parseSysctl(value, network));
  return Object.fromEntries(parsed.map(({ name, value }) => [name, value]));
}

/** Seconds. setitimer(2) and poll(2) limit milliseconds to 31 bits. */
function parseStopTimeout(value: string): number {
  const seconds = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(seconds <= 2_147_483)) throw flagError('--stop-timeout', value, 'expected a whole number of seconds');
  return seconds;
}
