import type { ContainerStats } from '../types.js';
import { binarySize, decimalSize } from './size.js';

/** The fields of a container in a template of `stats --format`, which have Docker's names. */
export type StatsField =
  | 'Container'
  | 'ID'
  | 'Name'
  | 'CPUPerc'
  | 'MemUsage'
  | 'MemPerc'
  | 'NetIO'
  | 'BlockIO'
  | 'PIDs';

/** A row of `docker stats --no-trunc`. A container that is not running uses nothing, as in Docker. */
export function statsRow({ id, name, usage }: ContainerStats): Record<StatsField, string> {
  const { cpu = 0, memory = 0, memoryLimit = 0, network, block, tasks = 0 } = usage ?? {};
  const isHidden = usage !== undefined && block === undefined;
  return {
    Container: id,
    ID: id,
    Name: name,
    CPUPerc: percent(cpu),
    MemUsage: `${binarySize(memory)} / ${binarySize(memoryLimit)}`,
    MemPerc: percent(memoryLimit === 0 ? 0 : (memory / memoryLimit) * 100),
    NetIO: `${decimalSize(network?.received ?? 0)} / ${decimalSize(network?.sent ?? 0)}`,
    BlockIO: isHidden ? '-- / --' : `${decimalSize(block?.read ?? 0)} / ${decimalSize(block?.written ?? 0)}`,
    PIDs: String(tasks),
  };
}

function percent(value: number): string {
  return `${value.toFixed(2)}%`;
}
