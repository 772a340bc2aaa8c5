import { FosterError } from '../../sys/errors.js';
import type { DeviceRate, Limits } from '../request.js';
import type { Resources, Throttle } from '../types.js';
import { type CgroupFlags, parseCgroups, parseConf, parseParent } from './cgroup.js';
import { flagError } from './flag.js';
import { parseSize } from './sizes.js';

/** The options of `run`, `create` and `update` that limit what a container may use. */
export interface LimitFlags extends CgroupFlags {
  memory?: string;
  memorySwap?: string;
  memoryReservation?: string;
  memorySwappiness?: string;
  oomKillDisable?: boolean;
  cpus?: string;
  cpuShares?: string;
  cpuQuota?: string;
  cpuPeriod?: string;
  cpuRtRuntime?: string;
  cpuRtPeriod?: string;
  cpusetCpus?: string;
  cpusetMems?: string;
  pidsLimit?: string;
  blkioWeight?: string;
  blkioWeightDevice?: string[];
  deviceReadBps?: string[];
  deviceWriteBps?: string[];
  deviceReadIops?: string[];
  deviceWriteIops?: string[];
  ignoreUnenforcedLimits?: boolean;
}

/** Bytes: Docker's minimum, because with less a program does not even start. */
const LEAST_MEMORY = 6 * 1024 * 1024;

/** Microseconds. */
const PERIOD = 100_000;
const REALTIME_PERIOD = 1_000_000;

/** Of disks. */
const WEIGHTS = [10, 1000] as const;

/**
 * Parses the limits that flags request.
 * @throws FosterError
 */
export function parseLimits(flags: LimitFlags): Limits {
  const limits = parseChange(flags);
  const hasCgroup = parseCgroups(flags.cgroups, limits);
  const { limit, swap } = limits.resources.memory ?? {};
  if (swap && swap !== -1 && !limit)
    throw new FosterError('--memory-swap needs --memory', { kind: 'invalid' });
  return hasCgroup ? limits : { ...limits, isWithoutCgroup: true };
}

/**
 * Like `parseLimits`, for a container that may have other limits already.
 * @throws FosterError
 */
export function parseChange(flags: LimitFlags): Limits {
  const { cpus, cgroupParent, cgroupConf = [], ignoreUnenforcedLimits = false } = flags;
  const resources: Resources = {
    ...group('memory', memoryOf(flags)),
    ...group('cpu', cpuOf(flags)),
    ...pidsOf(flags.pidsLimit),
    ...group('blockIO', { weight: number('--blkio-weight', flags.blkioWeight, WEIGHTS, 0) }),
    ...(cgroupConf.length > 0 && { unified: parseConf(cgroupConf) }),
  };
  return {
    resources,
    rates: [
      ...weightsOf(flags.blkioWeightDevice),
      ...ratesOf('ReadBps', '--device-read-bps', flags.deviceReadBps),
      ...ratesOf('WriteBps', '--device-write-bps', flags.deviceWriteBps),
      ...ratesOf('ReadIOPS', '--device-read-iops', flags.deviceReadIops),
      ...ratesOf('WriteIOPS', '--device-write-iops', flags.deviceWriteIops),
    ],
    ...(cpus !== undefined && { cpus: parseCpus(cpus) }),
    ...(cgroupParent && { cgroupParent: parseParent(cgroupParent) }),
    ignoresUnenforced: ignoreUnenforcedLimits,
  };
}

/** `{ [name]: members }` without undefined members; an empty object if none is left. */
function group<Name extends string, Value extends object>(
  name: Name,
  members: Value,
): { [key in Name]?: { [member in keyof Value]?: NonNullable<Value[member]> } } {
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  if (given.length === 0) return {};
  return { [name]: Object.fromEntries(given) } as ReturnType<typeof group<Name, Value>>;
}

function memoryOf(flags: LimitFlags) {
  const limit = bytes('--memory', flags.memory);
  const swap = flags.memorySwap === '-1' ? -1 : bytes('--memory-swap', flags.memorySwap);
  const reservation = bytes('--memory-reservation', flags.memoryReservation);
  if (limit && limit < LEAST_MEMORY)
    throw flagError('--memory', String(flags.memory), 'the least is 6m: a program needs that to start');
  checkMemory({ ...(limit !== undefined && { limit }), ...(swap !== undefined && { swap }) }, flags);
  if (reservation && limit && reservation > limit)
    throw flagError('--memory-reservation', String(flags.memoryReservation), 'it is more than --memory');
  const swappiness = number('--memory-swappiness', flags.memorySwappiness, [0, 100], -1);
  return {
    limit,
    swap,
    reservation,
    swappiness: swappiness === -1 ? undefined : swappiness,
    disableOOMKiller: flags.oomKillDisable || undefined,
  };
}

function checkMemory({ limit, swap }: NonNullable<Resources['memory']>, { memorySwap }: LimitFlags): void {
  if (!swap || swap === -1) return;
  if (limit !== undefined && swap < limit)
    throw flagError(
      '--memory-swap',
      String(memorySwap),
      'it is less than --memory, and is for both together',
    );
}

function bytes(flag: string, value: string | undefined): number | undefined {
  return value === undefined ? undefined : parseSize(flag, value);
}

function cpuOf(flags: LimitFlags) {
  const { cpus } = flags;
  const period = number('--cpu-period', flags.cpuPeriod, [1000, 1_000_000], 0);
  const quota = number('--cpu-quota', flags.cpuQuota, [1000, Number.MAX_SAFE_INTEGER], 0, -1);
  if (cpus !== undefined && (period || quota)) {
    throw new FosterError(`--cpus and ${quota ? '--cpu-quota' : '--cpu-period'} cannot be used together`, {
      kind: 'invalid',
      advice: '--cpus 1.5 is a --cpu-quota of 150000 in a --cpu-period of 100000',
    });
  }
  const wanted = cpus === undefined ? 0 : parseCpus(cpus);
  return {
    shares: number('--cpu-shares', flags.cpuShares, [2, 262_144], 0),
    quota: wanted > 0 ? Math.round(wanted * PERIOD) : cpus === undefined ? quota : -1,
    period: wanted > 0 ? PERIOD : period,
    ...realtimeOf(flags),
    cpus: parseList('--cpuset-cpus', flags.cpusetCpus),
    mems: parseList('--cpuset-mems', flags.cpusetMems),
  };
}

function realtimeOf({ cpuRtRuntime, cpuRtPeriod }: LimitFlags) {
  const realtimePeriod = number('--cpu-rt-period', cpuRtPeriod, [1, 4_294_967_295], 0);
  const realtimeRuntime = number('--cpu-rt-runtime', cpuRtRuntime, [0, 4_294_967_295]);
  if (realtimeRuntime !== undefined && realtimeRuntime > (realtimePeriod || REALTIME_PERIOD))
    throw flagError('--cpu-rt-runtime', String(cpuRtRuntime), 'it is more than --cpu-rt-period');
  return { realtimeRuntime, realtimePeriod };
}

/** @throws FosterError */
function parseCpus(value: string): number {
  const cpus = /^\d{1,6}(\.\d{1,9})?$|^\.\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(cpus)) throw flagError('--cpus', value, 'expected a number such as 1.5');
  if (cpus > 0 && cpus < 0.01) throw flagError('--cpus', value, 'the least is 0.01');
  return cpus;
}

/** `0-2,4`: cpuset(7), "List format". @throws FosterError */
function parseList(flag: string, value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (!/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/.test(value))
    throw flagError(flag, value, 'expected a list such as 0-2,4');
  return value;
}

function pidsOf(value: string | undefined): Pick<Resources, 'pids'> {
  const limit = number('--pids-limit', value, [1, 4_194_304], 0, -1);
  return limit === undefined ? {} : { pids: { limit: limit === 0 ? -1 : limit } };
}

/** A whole number in a range, or one of the special values. @throws FosterError */
function number(
  flag: string,
  value: string | undefined,
  [least, most]: readonly [number, number],
  ...others: number[]
): number | undefined {
  if (value === undefined) return undefined;
  const result = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (others.includes(result) || (result >= least && result <= most)) return result;
  const range = most > 1e9 ? `of at least ${least}` : `from ${least} to ${most}`;
  throw flagError(
    flag,
    value,
    `expected a whole number ${range}${others.includes(-1) ? ', or -1 for no limit' : ''}`,
  );
}

/** `/dev/sda` and what is after the last colon. */
function devicePath(value: string): [path: string, rest: string] {
  const at = value.lastIndexOf(':');
  return [value.slice(0, Math.max(at, 0)), value.slice(at + 1)];
}

/** `/dev/sda:200` @throws FosterError */
function weightsOf(values: string[] = []): DeviceRate[] {
  const flag = '--blkio-weight-device';
  return values.map((value) => {
    const [path, text] = devicePath(value);
    const rate = /^\d{1,4}$/.test(text) ? Number(text) : -1;
    if (!path.startsWith('/') || (rate !== 0 && !(rate >= WEIGHTS[0] && rate <= WEIGHTS[1])))
      throw flagError(flag, value, 'expected DEVICE:WEIGHT such as /dev/sda:200, a weight from 10 to 1000');
    return { kind: 'Weight', path, rate };
  });
}

/** `/dev/sda:1mb` @throws FosterError */
function ratesOf(
  kind: Exclude<DeviceRate['kind'], 'Weight'>,
  flag: string,
  values: string[] = [],
): DeviceRate[] {
  return values.map((value) => {
    const [path, rate] = devicePath(value);
    if (!path.startsWith('/')) throw flagError(flag, value, 'expected DEVICE:RATE such as /dev/sda:1mb');
    if (kind.endsWith('Bps')) return { kind, path, rate: parseSize(flag, rate) };
    if (!/^\d{1,15}$/.test(rate))
      throw flagError(flag, value, 'expected DEVICE:NUMBER such as /dev/sda:1000');
    return { kind, path, rate: Number(rate) };
  });
}

/** The resources with the rates and weights of devices, whose numbers are known by now. */
export function withRates(
  resources: Resources,
  rates: readonly DeviceRate[],
  devices: ReadonlyMap<string, { major: number; minor: number }>,
): Resources {
  if (rates.length === 0) return resources;
  const blockIO: NonNullable<Resources['blockIO']> = { ...resources.blockIO };
  for (const { kind, path, rate } of rates) {
    const device = devices.get(path);
    if (device === undefined) throw new Error(`the numbers of the device ${path} are not known`);
    if (kind === 'Weight') {
      blockIO.weightDevice = [...(blockIO.weightDevice ?? []), { ...device, weight: rate }];
      continue;
    }
    const throttle: Throttle = { ...device, rate };
    const member = `throttle${kind}Device` as const;
    blockIO[member] = [...(blockIO[member] ?? []), throttle];
  }
  return { ...resources, blockIO };
}
