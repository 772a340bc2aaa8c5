import type { ContainerRecord } from '../../container/record.js';
import type { DeviceRate } from '../../spec/request.js';

/** Limits that foster does not have, with the values by which Docker and Podman show that there is no limit. */
const NO_LIMITS = {
  DeviceCgroupRules: null,
  DeviceRequests: null,
  DiskQuota: 0,
  KernelMemory: 0,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
};

/** The limits in `.HostConfig` of `inspect`. */
export function limitsOf({ spec, limits }: ContainerRecord): Record<string, unknown> {
  const { memory = {}, cpu = {}, pids, blockIO, unified } = spec.linux.resources ?? {};
  const { limit = 0, swap, reservation = 0, swappiness, disableOOMKiller = false } = memory;
  const most = Math.max(limit, 0);
  const { quota = 0, period = 0 } = cpu;
  const cpus = quota > 0 ? quota / (period || 100_000) : 0;
  const rates = (kind: DeviceRate['kind']) => {
    const found = limits?.rates.filter((rate) => rate.kind === kind) ?? [];
    const name = kind === 'Weight' ? 'Weight' : 'Rate';
    return found.length === 0 ? null : found.map(({ path, rate }) => ({ Path: path, [name]: rate }));
  };
  return {
    ...NO_LIMITS,
    CpuShares: cpu.shares ?? 0,
    Memory: most,
    NanoCpus: limits?.cpus === undefined ? 0 : Math.round(cpus * 1e9),
    CgroupConf: unified ?? null,
    CgroupParent: limits?.cgroupParent ?? '',
    BlkioWeight: blockIO?.weight ?? 0,
    BlkioWeightDevice: rates('Weight'),
    BlkioDeviceReadBps: rates('ReadBps'),
    BlkioDeviceWriteBps: rates('WriteBps'),
    BlkioDeviceReadIOps: rates('ReadIOPS'),
    BlkioDeviceWriteIOps: rates('WriteIOPS'),
    CpuPeriod: period,
    CpuQuota: Math.max(quota, 0),
    CpuRealtimePeriod: cpu.realtimePeriod ?? 0,
    CpuRealtimeRuntime: Math.max(cpu.realtimeRuntime ?? 0, 0),
    CpusetCpus: cpu.cpus ?? '',
    CpusetMems: cpu.mems ?? '',
    MemoryReservation: Math.max(reservation, 0),
    MemorySwap: swap || 2 * most,
    MemorySwappiness: swappiness ?? null,
    OomKillDisable: disableOOMKiller,
    PidsLimit: Math.max(pids?.limit ?? 0, 0),
  };
}
