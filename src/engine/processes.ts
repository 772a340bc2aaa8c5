import type { ProcessNode } from '../container/processes/tree.js';
import type { ContainerState } from '../container/store.js';
import { waitFor } from '../sys/poll.js';
import type { ContainerStats, ProcessList } from './types.js';

export type { ProcessList, ProcessNode };

/**
 * The processes of a container.
 * @param columns those of `ps -ef` (`full`), of `ps u` (`user`), or column names of ps(1)
 * @throws FosterError if it is not running, or for a column that does not exist
 */
export async function list(
  reference: string,
  columns: 'full' | 'user' | readonly string[] = 'full',
): Promise<ProcessList> {
  const { findContainer } = await import('../container/store.js');
  const { parseColumns, FULL_COLUMNS, processRows, USER_COLUMNS } = await import(
    '../container/processes/columns.js'
  );
  const presets = { full: FULL_COLUMNS, user: USER_COLUMNS };
  const chosen = typeof columns === 'string' ? presets[columns] : parseColumns(columns.join(','));
  const [titles = [], ...processes] = processRows(findContainer(reference), chosen);
  return { titles, processes };
}

/** The process tree of a container, and its name. @throws FosterError if it is not running */
export async function tree(reference: string): Promise<{ name: string; roots: ProcessNode[] }> {
  const { findContainer } = await import('../container/store.js');
  const { processTree } = await import('../container/processes/tree.js');
  const container = findContainer(reference);
  return { name: container.record.name, roots: processTree(container) };
}

/** The ids of the containers that have processes. */
export async function runningIds(): Promise<string[]> {
  const { eachContainer } = await import('../container/store.js');
  return Array.from(eachContainer(isActive), ({ record }) => record.id);
}

function isActive({ status }: ContainerState): boolean {
  return status === 'running' || status === 'paused';
}

/** Milliseconds over which the first CPU share is measured. */
const FIRST_INTERVAL = 250;

export interface StatsRequest {
  /** Undefined for all running containers, the newest first. */
  containers?: readonly string[] | undefined;
  /** If `containers` is undefined: include containers that are not running. */
  all?: boolean;
  /** Milliseconds between two samples; 1000 by default. */
  interval?: number;
}

/** Yields at an interval what containers use. @throws FosterError if one of `containers` does not exist */
export async function* stats({
  containers: references,
  all = false,
  interval = 1000,
}: StatsRequest): AsyncGenerator<ContainerStats[]> {
  const { eachContainer, findContainer } = await import('../container/store.js');
  const { cpuPercent, measured, sampleContainers, sampleCpu } = await import(
    '../container/processes/stats.js'
  );
  const chosen = () =>
    references !== undefined
      ? references.map((reference) => measured(findContainer(reference)))
      : Array.from(eachContainer(all ? undefined : isActive), measured).sort((a, b) => b.created - a.created);
  let before: ReturnType<typeof sampleCpu> = sampleCpu(chosen());
  for (let wait = Math.min(FIRST_INTERVAL, interval); ; wait = interval) {
    await waitFor(wait);
    const containers = chosen();
    const now = sampleContainers(containers);
    yield containers.map(({ id, name }) => {
      const sample = now.get(id);
      if (sample === undefined) return { id, name };
      const { memory, memoryLimit, network, block, tasks } = sample;
      const cpu = cpuPercent(before.get(id), sample);
      return { id, name, usage: { cpu, memory, memoryLimit, tasks, network, block } };
    });
    before = now;
  }
}
