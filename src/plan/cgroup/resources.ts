import type { Resources } from '../../spec/types.js';

/** A limit as a file of a cgroup and what is written to it. */
export interface Setting {
  file: string;
  text: string;
}

/** How a version of cgroups sets a limit, or why it cannot. */
export type Means = Setting[] | { because: string };

/** A requested limit, for both versions of cgroups: cgroups(7), and the kernel's cgroup-v2.rst. */
export interface WantedLimit {
  /** The option that requests it. */
  option: string;
  /** Completes "cannot ...". */
  why: string;
  /** The controllers of version 1 and 2. */
  controllers: readonly [string, string];
  v1: Means;
  v2: Means;
  /** Set if the value means no limit, as in a new cgroup. */
  isNone?: true;
  /** Set if the user has not requested it: it is left out if the kernel does not support it. */
  isOptional?: true;
  /** What to write where the kernel does not have those files, but these. */
  or?: { v1: Setting[]; v2: Setting[] };
  /** By errno name: what to do where the kernel refuses the value. */
  advice?: Readonly<Record<string, string>>;
}

/** All requested limits, for a cgroup that may have other limits now. */
export function changedLimits({ memory, cpu, pids, blockIO, unified }: Resources): WantedLimit[] {
  return [
    ...memoryLimits(memory ?? {}),
    ...cpuLimits(cpu ?? {}),
    ...(pids === undefined ? [] : [pidsLimit(pids.limit)]),
    ...blockLimits(blockIO ?? {}),
    ...Object.entries(unified ?? {}).map(fileLimit),
  ];
}

/** All requested limits, for a new cgroup. */
export function wantedLimits(resources: Resources): WantedLimit[] {
  return changedLimits(resources).filter(({ isNone }) => !isNone);
}

const MEMORY = ['memory', 'memory'] as const;
const CPU = ['cpu', 'cpu'] as const;
const CPUSET = ['cpuset', 'cpuset'] as const;

function memoryLimits({
  limit = 0,
  swap,
  reservation,
  swappiness,
  disableOOMKiller,
}: NonNullable<Resources['memory']>): WantedLimit[] {
  const all = { controllers: MEMORY };
  const limits: WantedLimit[] = [];
  if (limit !== 0)
    limits.push({
      ...all,
      option: '--memory',
      why: `limit the memory to ${amount(limit)}`,
      v1: one('memory.limit_in_bytes', limit),
      v2: one('memory.max', orMax(limit)),
      ...noneIf(limit < 0),
    });
  // as in Docker: by default as much swap as memory
  const total = swap || (limit > 0 ? limit * 2 : limit);
  if (total !== 0)
    limits.push({
      ...all,
      option: '--memory-swap',
      why: `limit memory and swap to ${amount(total)}`,
      v1: one('memory.memsw.limit_in_bytes', total),
      v2: one('memory.swap.max', orMax(total < 0 ? -1 : total - Math.max(limit, 0))),
      ...(!swap && { isOptional: true }),
      ...noneIf(total < 0),
    });
  if (reservation)
    limits.push({
      ...all,
      option: '--memory-reservation',
      why: `reserve ${amount(reservation)} of memory`,
      v1: one('memory.soft_limit_in_bytes', reservation),
      v2: one('memory.low', Math.max(reservation, 0)),
      ...noneIf(reservation < 0),
    });
  if (swappiness !== undefined)
    limits.push({
      ...all,
      option: '--memory-swappiness',
      why: `set the swappiness to ${swappiness}`,
      v1: one('memory.swappiness', swappiness),
      v2: { because: 'cgroups of version 2 have no swappiness' },
    });
  if (disableOOMKiller)
    limits.push({
      ...all,
      option: '--oom-kill-disable',
      why: 'let processes wait for memory instead of killing them',
      v1: one('memory.oom_control', 1),
      v2: { because: 'with cgroups of version 2 the kernel always kills what exceeds its memory' },
    });
  return limits;
}

/** Microseconds: the default of the kernel, of Docker and of Podman. */
const PERIOD = 100_000;

const REALTIME_PERIOD = 1_000_000;

/** Of version 1, where the kernel has them. A new cgroup has no real-time CPU time. */
function realtimeLimits({ realtimeRuntime, realtimePeriod }: NonNullable<Resources['cpu']>): WantedLimit[] {
  const limit = (option: string, file: string, value: number, why: string): WantedLimit => ({
    option,
    why,
    controllers: CPU,
    v1: one(file, value),
    v2: { because: `cgroups of version 2 have no file ${file}` },
    advice: {
      EINVAL: `the cgroup above has less left: see ${file} there, and /proc/sys/kernel/sched_rt_runtime_us`,
    },
    ...noneIf(value === 0),
  });
  const period = `${realtimePeriod || REALTIME_PERIOD} µs`;
  const limits: WantedLimit[] = [];
  if (realtimePeriod)
    limits.push(
      limit('--cpu-rt-period', 'cpu.rt_period_us', realtimePeriod, `count real-time CPU time each ${period}`),
    );
  if (realtimeRuntime !== undefined) {
    const time = realtimeRuntime < 0 ? 'any amount' : `${realtimeRuntime} µs`;
    const why = `let it have ${time} of real-time CPU time in each ${period}`;
    limits.push(limit('--cpu-rt-runtime', 'cpu.rt_runtime_us', realtimeRuntime, why));
  }
  return limits;
}

function cpuLimits({
  shares,
  quota,
  period,
  cpus,
  mems,
  ...realtime
}: NonNullable<Resources['cpu']>): WantedLimit[] {
  const limits: WantedLimit[] = [];
  if (shares)
    limits.push({
      option: '--cpu-shares',
      why: `give it ${shares} shares of CPU time`,
      controllers: CPU,
      v1: one('cpu.shares', shares),
      v2: one('cpu.weight', weightOf(shares)),
    });
  if (quota || period) {
    const most = !quota || quota < 0 ? -1 : quota;
    limits.push({
      option: quota ? '--cpus or --cpu-quota' : '--cpu-period',
      why: `limit CPU time to ${most < 0 ? 'any amount' : `${most} µs`} in each ${period || PERIOD} µs`,
      controllers: CPU,
      v1: [...one('cpu.cfs_period_us', period || PERIOD), ...one('cpu.cfs_quota_us', most)],
      v2: one('cpu.max', `${orMax(most)} ${period || PERIOD}`),
      ...noneIf(most < 0 && !period),
    });
  }
  limits.push(...realtimeLimits(realtime));
  for (const [flag, file, list] of [
    ['--cpuset-cpus', 'cpuset.cpus', cpus],
    ['--cpuset-mems', 'cpuset.mems', mems],
  ] as const) {
    if (!list) continue;
    const why = `run it on ${flag === '--cpuset-cpus' ? 'CPUs' : 'memory nodes'} ${list} only`;
    limits.push({ option: flag, why, controllers: CPUSET, v1: one(file, list), v2: one(file, list) });
  }
  return limits;
}

/** From 2 to 262144 shares to a weight of 1 to 10000, as crun and runc have agreed. */
function weightOf(shares: number): number {
  return 1 + Math.floor(((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);
}

function pidsLimit(limit: number): WantedLimit {
  const setting = one('pids.max', orMax(limit > 0 ? limit : -1));
  return {
    option: '--pids-limit',
    why: `limit the number of processes to ${limit > 0 ? limit : 'any'}`,
    controllers: ['pids', 'pids'],
    v1: setting,
    v2: setting,
    ...noneIf(limit <= 0),
  };
}

type BlockIo = NonNullable<Resources['blockIO']>;

/** The option, the file of version 1, and the key in io.max of version 2. */
const RATES: [Exclude<keyof BlockIo, 'weight' | 'weightDevice'>, string, string, string][] = [
  ['throttleReadBpsDevice', '--device-read-bps', 'read_bps', 'rbps'],
  ['throttleWriteBpsDevice', '--device-write-bps', 'write_bps', 'wbps'],
  ['throttleReadIOPSDevice', '--device-read-iops', 'read_iops', 'riops'],
  ['throttleWriteIOPSDevice', '--device-write-iops', 'write_iops', 'wiops'],
];

function blockLimits(blockIO: BlockIo): WantedLimit[] {
  const controllers = ['blkio', 'io'] as const;
  const { weight, weightDevice = [] } = blockIO;
  const limits: WantedLimit[] = [];
  if (weight)
    limits.push({
      option: '--blkio-weight',
      why: `give it the weight ${weight} for disks`,
      controllers,
      v1: one('blkio.weight', weight),
      v2: one('io.weight', `default ${ioWeightOf(weight)}`),
      or: { v1: one('blkio.bfq.weight', weight), v2: one('io.bfq.weight', `default ${weight}`) },
    });
  for (const { major, minor, weight: own } of weightDevice)
    limits.push({
      option: '--blkio-weight-device',
      why: `give it the weight ${own || 'of all others'} for the disk ${major}:${minor}`,
      controllers,
      v1: one('blkio.weight_device', `${major}:${minor} ${own}`),
      v2: one('io.weight', `${major}:${minor} ${own ? ioWeightOf(own) : 'default'}`),
      or: {
        v1: one('blkio.bfq.weight_device', `${major}:${minor} ${own}`),
        v2: one('io.bfq.weight', `${major}:${minor} ${own || 'default'}`),
      },
      advice: {
        ENOTSUP:
          "the disk has another scheduler: as root, 'echo bfq > /sys/block/NAME/queue/scheduler' chooses one with weights",
      },
    });
  for (const [member, option, name, key] of RATES) {
    for (const { major, minor, rate } of blockIO[member] ?? [])
      limits.push({
        option,
        why: `limit the rate of device ${major}:${minor} to ${rate} (${name})`,
        controllers,
        v1: one(`blkio.throttle.${name}_device`, `${major}:${minor} ${rate}`),
        v2: one('io.max', `${major}:${minor} ${key}=${rate || 'max'}`),
      });
  }
  return limits;
}

/** From 10 to 1000 to 1 to 10000: crun's conversion. */
function ioWeightOf(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

/** A file of version 2 by its own name: after all others, so that it is the last word. */
function fileLimit([file, text]: [string, string]): WantedLimit {
  const controller = file.split('.')[0] ?? '';
  return {
    option: '--cgroup-conf',
    why: `set ${file} to ${text}`,
    controllers: [controller === 'io' ? 'blkio' : controller, controller],
    v1: { because: `${file} is of version 2, and this machine has cgroups of version 1 for it` },
    v2: one(file, text),
  };
}

function one(file: string, value: number | string): Setting[] {
  return [{ file, text: String(value) }];
}

function noneIf(isNone: boolean): { isNone?: true } {
  return isNone ? { isNone } : {};
}

/** -1 means no limit. */
function orMax(value: number): string {
  return value < 0 ? 'max' : String(value);
}

function amount(bytes: number): string {
  return bytes < 0 ? 'any amount' : `${bytes} bytes`;
}
