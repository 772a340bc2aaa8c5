import type { CpuSample, Measured } from '../container/processes/stats.js';
import type { ProcessNode } from '../container/processes/tree.js';
import type { Container, ContainerState } from '../container/store.js';
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
  const { cpuPercent, measured, Sampler } = await import('../container/processes/stats.js');
  let known = new Map<string, Measured>();
  const measure = (container: Container) => measured(container, known.get(container.record.id));
  const chosen = () => {
    const found =
      references !== undefined
        ? references.map((reference) => measure(findContainer(reference)))
        : Array.from(eachContainer(all ? undefined : isActive), measure);
    known = new Map(found.map((one) => [one.id, one]));
    return references !== undefined ? found : found.sort((a, b) => b.created - a.created);
  };
  const sampler = new Sampler();
  let containers = chosen();
  const began = performance.now();
  let now = sampler.all(containers);
  // The first CPU share needs two looks: what else there is to know is found out between them.
  await waitFor(Math.min(FIRST_INTERVAL, interval) - (performance.now() - began));
  let before: Map<string, CpuSample> = now;
  let cpu: Map<string, CpuSample> = sampler.cpu(containers);
  for (;;) {
    yield containers.map(({ id, name }) => {
      const [sample, current] = [now.get(id), cpu.get(id)];
      if (sample === undefined || current === undefined) return { id, name };
      const { memory, memoryLimit, network, block, tasks } = sample;
      const share = cpuPercent(before.get(id), current);
      return { id, name, usage: { cpu: share, memory, memoryLimit, tasks, network, block } };
    });
    before = cpu;
    await waitFor(interval);
    containers = chosen();
    now = sampler.all(containers);
    cpu = now;
  }
}
