import { posix } from 'node:path';
import type { Mount } from '../types.js';
import type { ConfigMount } from './config.js';
import { configError, unsupported } from './reader.js';

/** Facts about the machine for the mounts of a config.json. */
export interface MountFacts {
  /** Resolves a path relative to the bundle. */
  resolve(path: string): string;
  exists(path: string): boolean;
  /** Whether there are only cgroups version 2: cgroups(7). */
  hasUnifiedCgroups: boolean;
  callerIsRoot: boolean;
  hasUserNamespace: boolean;
  hasCgroupNamespace: boolean;
}

/** File systems that belong to a container's namespaces; each is mounted new. */
const FILE_SYSTEMS: readonly string[] = ['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2'];

/** Attributes of a mount, as in mount(8) and the specification; with an `r`, they apply to all mounts below, too. */
const ATTRIBUTES: ReadonlySet<string> = new Set(
  (
    'ro rw suid nosuid dev nodev exec noexec atime noatime diratime nodiratime relatime norelatime ' +
    'strictatime nostrictatime symfollow nosymfollow'
  )
    .split(' ')
    .flatMap((name) => [name, `r${name}`]),
);
/** Those that clear an attribute. With an `r`, they are not the same for a bind mount as without. */
const CLEARING: ReadonlySet<string> = new Set(
  'rw suid dev exec atime diratime relatime norelatime nostrictatime symfollow'.split(' '),
);
const PROPAGATION: ReadonlySet<string> = new Set(
  ['private', 'slave', 'shared', 'unbindable'].flatMap((name) => [name, `r${name}`]),
);
/** Options of a whole file system, which bind mounts cannot change. */
const FILE_SYSTEM_OPTIONS: ReadonlySet<string> = new Set(
  'async sync dirsync lazytime nolazytime mand nomand iversion noiversion silent loud'.split(' '),
);
/** Options that state the default. */
const DEFAULT_OPTIONS: ReadonlySet<string> = new Set(
  'defaults async nolazytime nomand noiversion silent loud'.split(' '),
);
const UNSUPPORTED: Readonly<Record<string, string>> = {
  tmpcopyup: 'copying the content of the root filesystem is not supported yet',
  remount: 'changing an existing mount is not supported yet',
  iversion: 'it is not supported yet',
};

/**
 * Converts a mount of the config.json: bind mounts get the type `bind` and an absolute source.
 * @throws FosterError that names the JSON path
 */
export function readMount(mount: ConfigMount, path: string, facts: MountFacts): Mount {
  const destination = posix.resolve('/', mount.destination);
  if (mount.destination === '' || destination === '/')
    throw configError(`${path}.destination`, 'expected a path below / in the container');
  const options = mount.options ?? [];
  const isBind = mount.type === 'bind' || options.includes('bind') || options.includes('rbind');
  if (isBind) return bind(mount, destination, path, facts);
  const type = mount.type ?? '';
  if (!FILE_SYSTEMS.includes(type)) {
    throw unsupported(
      `${path}.type`,
      type === '' || type === 'none'
        ? 'without the option bind or rbind, a mount needs the type of a file system'
        : `file systems of the type ${JSON.stringify(type)} are not supported yet, expected bind or one of ${FILE_SYSTEMS.join(', ')}`,
    );
  }
  for (const [index, option] of options.entries()) {
    if (option === 'idmap' || option === 'ridmap')
      throw configError(`${path}.options[${index}]`, `${option} is only valid for bind mounts`);
    refuseUnsupportedOption(option, `${path}.options[${index}]`);
  }
  const kept = options.filter((option) => !DEFAULT_OPTIONS.has(option)).map(plain);
  if (type === 'cgroup') return cgroups(destination, kept, facts);
  return { destination, type, source: mount.source || type, options: kept };
}

/** A new file system has no mounts below, so `rro` is `ro`. */
function plain(option: string): string {
  return option.startsWith('r') && ATTRIBUTES.has(option) && ATTRIBUTES.has(option.slice(1))
    ? option.slice(1)
    : option;
}

/** Version 1 cannot be mounted in a user namespace: the host's are bound instead, as crun does. */
function cgroups(destination: string, options: string[], facts: MountFacts): Mount {
  if (facts.hasUnifiedCgroups && facts.hasCgroupNamespace)
    return { destination, type: 'cgroup2', source: 'cgroup2', options };
  // what allows more is for a new file system: of the host's, a user namespace cannot change it
  const restricting = options.filter((option) => !CLEARING.has(option));
  return { destination, type: 'bind', source: '/sys/fs/cgroup', options: ['rbind', ...restricting] };
}

function bind(mount: ConfigMount, destination: string, path: string, facts: MountFacts): Mount {
  const source = facts.resolve(mount.source ?? '');
  if (!mount.source) throw configError(`${path}.source`, 'a bind mount needs a source');
  if (!facts.exists(source)) throw configError(`${path}.source`, `there is no ${source} on this machine`);
  const options = mount.options ?? [];
  for (const [index, option] of options.entries())
    checkBindOption(option, `${path}.options[${index}]`, facts);
  const recursion = options.includes('rbind') ? 'rbind' : 'bind';
  const others = options
    .filter((option) => !/^r?bind$/.test(option) && !DEFAULT_OPTIONS.has(option))
    .map((option) => (CLEARING.has(option.slice(1)) ? option : plain(option)));
  // the last one of opposites counts
  const distinct = others.filter((option, index) => others.lastIndexOf(option) === index);
  return { destination, type: 'bind', source, options: [recursion, ...distinct] };
}

function checkBindOption(option: string, path: string, facts: MountFacts): void {
  refuseUnsupportedOption(option, path);
  if (option === 'idmap' || option === 'ridmap') {
    if (!facts.callerIsRoot || !facts.hasUserNamespace)
      throw configError(path, `${option} needs root, and a user namespace for the container`);
    return;
  }
  if (/^r?shared$/.test(option) && !facts.hasUserNamespace)
    throw unsupported(path, `${option} without a user namespace is not supported yet`);
  if (
    ATTRIBUTES.has(option) ||
    PROPAGATION.has(option) ||
    DEFAULT_OPTIONS.has(option) ||
    /^r?bind$/.test(option)
  )
    return;
  throw configError(
    path,
    FILE_SYSTEM_OPTIONS.has(option) || option.includes('=')
      ? `${option} is an option of a file system, which a bind mount cannot change`
      : `unknown option ${JSON.stringify(option)} for a bind mount`,
  );
}

function refuseUnsupportedOption(option: string, path: string): void {
  const problem = Object.hasOwn(UNSUPPORTED, option) ? UNSUPPORTED[option] : undefined;
  if (problem !== undefined) throw unsupported(path, `${option}: ${problem}`);
}
