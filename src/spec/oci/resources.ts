import { problemOfFile } from '../parse/cgroup.js';
import type { Resources } from '../types.js';
import type { BlockIoLimits, Resources as ConfigResources } from './config.js';
import { configError, unsupported } from './reader.js';

/** Members of `linux.resources` that foster supports, by group. */
const SUPPORTED: Readonly<Record<string, readonly string[]>> = {
  memory: [
    'limit',
    'reservation',
    'swap',
    'swappiness',
    'disableOOMKiller',
    'useHierarchy',
    'checkBeforeUpdate',
  ],
  cpu: ['shares', 'quota', 'period', 'realtimeRuntime', 'realtimePeriod', 'cpus', 'mems'],
  pids: ['limit'],
  blockIO: [
    'weight',
    'weightDevice',
    'throttleReadBpsDevice',
    'throttleWriteBpsDevice',
    'throttleReadIOPSDevice',
    'throttleWriteIOPSDevice',
  ],
};

/**
 * Refuses limits that foster does not support.
 * @throws FosterError with the JSON path
 */
export function refuseOtherLimits(resources: Omit<ConfigResources, 'devices'>): void {
  for (const [name, group] of Object.entries(resources)) {
    if (name === 'unified') continue;
    const known = SUPPORTED[name];
    if (known === undefined) {
      if (Object.keys(group).length > 0)
        throw unsupported(`linux.resources.${name}`, 'these limits are not supported yet');
      continue;
    }
    for (const [member, value] of Object.entries(group)) {
      const isEmpty = value === undefined || value === 0 || (Array.isArray(value) && value.length === 0);
      if (!known.includes(member) && !isEmpty)
        throw unsupported(`linux.resources.${name}.${member}`, 'this limit is not supported yet');
    }
  }
}

/** The limits of a config.json. Numbers that are too large for JavaScript mean no limit: runtimes write it that way. */
export function resourcesOf(config: ConfigResources | undefined): { resources?: Resources } {
  if (config === undefined) return {};
  const { memory = {}, cpu = {}, pids, blockIO = {}, unified = {} } = config;
  const { limit, reservation, swap, swappiness, disableOOMKiller } = memory;
  if (swap !== undefined && swap > 0 && !(limit !== undefined && limit > 0))
    throw configError('linux.resources.memory.swap', 'it needs linux.resources.memory.limit');
  const { shares, quota, period, realtimeRuntime, realtimePeriod, cpus, mems } = cpu;
  const { leafWeight: _, weightDevice, ...block } = blockIO;
  const resources: Resources = {
    ...group('memory', {
      limit: bounded(limit),
      reservation: bounded(reservation),
      swap: bounded(swap),
      swappiness,
      disableOOMKiller,
    }),
    ...group('cpu', {
      ...{ shares, quota: bounded(quota), period, cpus, mems },
      ...{ realtimeRuntime: bounded(realtimeRuntime), realtimePeriod },
    }),
    ...(pids !== undefined && pids.limit !== 0 && { pids: { limit: bounded(pids.limit) ?? -1 } }),
    ...group('blockIO', { ...block, weightDevice: weightsOf(weightDevice) }),
    ...(Object.keys(unified).length > 0 && { unified: checkFiles(unified) }),
  };
  return Object.keys(resources).length === 0 ? {} : { resources };
}

/** @throws FosterError with the JSON path */
function checkFiles(files: Record<string, string>): Record<string, string> {
  for (const [file, text] of Object.entries(files)) {
    const problem = problemOfFile(file, text);
    if (problem !== undefined) throw configError(`linux.resources.unified.${file}`, problem);
  }
  return files;
}

/** @throws FosterError for the weight of a cgroup's own processes, beside those below, which no kernel has any more */
function weightsOf(devices: BlockIoLimits['weightDevice'] = []) {
  const weights = devices.flatMap(({ major, minor, weight = 0, leafWeight = 0 }, index) => {
    const path = `linux.resources.blockIO.weightDevice[${index}]`;
    if (leafWeight !== 0) throw unsupported(`${path}.leafWeight`, 'this limit is not supported yet');
    return weight === 0 ? [] : [{ major, minor, weight }];
  });
  return weights.length === 0 ? undefined : weights;
}

function bounded(value: number | undefined): number | undefined {
  return value !== undefined && (value > Number.MAX_SAFE_INTEGER || value < 0) ? -1 : value;
}

/** What is given. The specification has 0 for most limits where there is none, but a swappiness of 0 says not to swap. */
function group<Name extends string>(name: Name, members: object): { [key in Name]?: object } {
  const given = Object.entries(members).filter(
    ([member, value]) => value !== undefined && value !== '' && (value !== 0 || member === 'swappiness'),
  );
  return given.length === 0 ? {} : ({ [name]: Object.fromEntries(given) } as { [key in Name]?: object });
}

/**
 * Checks the path of the container's cgroup.
 * @throws FosterError if it is invalid
 */
export function checkCgroupsPath(path: string | undefined): { cgroupsPath?: string } {
  if (path === undefined || path === '') return {};
  const [slice = '', prefix, name, ...more] = path.split(':');
  const parts = path.split('/').filter((part) => part !== '');
  const isOfSystemd =
    more.length === 0 && name !== undefined && /^[\w@.-]*$/.test(`${slice}${prefix}${name}`);
  const isPath =
    parts.length > 0 && parts.every((part) => /^[\w@.-]{1,255}$/.test(part) && !/^\.\.?$/.test(part));
  if (!isOfSystemd && !isPath)
    throw configError(
      'linux.cgroupsPath',
      'expected a path without dots, such as /parent/name, or slice:prefix:name',
    );
  return { cgroupsPath: path };
}
