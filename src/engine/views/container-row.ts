import { type Container, readHealth } from '../../container/store.js';
import { networkModeOf } from './container-network.js';
import { humanSince } from './duration.js';

/** What a template of `ps --format` sees of a container: Docker's names. */
export type ContainerField =
  | 'ID'
  | 'Image'
  | 'Command'
  | 'RunningFor'
  | 'Status'
  | 'Ports'
  | 'Names'
  | 'CreatedAt'
  | 'State'
  | 'Labels'
  | 'Mounts'
  | 'Networks';

/** A container as a row of `docker ps --no-trunc`, and what a shorter one is made from. */
export interface ContainerRow {
  fields: Record<ContainerField, string>;
  command: string[];
  labels: Record<string, string>;
}

/** @param now in milliseconds since 1970 */
export function containerRow(container: Container, now: number): ContainerRow {
  const { command, labels } = container.record;
  return { fields: fieldsOf(container, now), command, labels };
}

function fieldsOf({ record, state }: Container, now: number): Record<ContainerField, string> {
  return {
    ID: record.id,
    Image: record.root,
    Command: JSON.stringify(record.command.join(' ')),
    RunningFor: `${humanSince(record.created, now)} ago`,
    Status: withHealth(statusOf(state, now), record, state),
    Ports: state.status === 'running' ? (record.ports ?? []).join(', ') : '',
    Names: record.name,
    CreatedAt: record.created,
    State: state.status,
    Labels: Object.entries(record.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Mounts: record.spec.mounts
      .filter(({ type }) => type === 'bind')
      .map(({ source }) => source)
      .join(','),
    Networks: networkModeOf(record),
  };
}

/** Docker's wording: `Up 3 minutes`, `Exited (0) 2 hours ago`, `Created`. */
function statusOf(state: Container['state'], now: number): string {
  switch (state.status) {
    case 'running':
      return state.startedAt === undefined ? 'Up' : `Up ${humanSince(state.startedAt, now)}`;
    case 'exited': {
      const since = state.finishedAt === undefined ? '' : ` ${humanSince(state.finishedAt, now)} ago`;
      return `Exited (${state.exitCode ?? '?'})${since}`;
    }
    case 'paused':
      return `Up ${since(state.startedAt, now)} (Paused)`;
    case 'restarting':
      return `Restarting (${state.exitCode ?? '?'}) ${since(state.finishedAt, now)} ago`;
    case 'created':
      return 'Created';
    case 'dead':
      return 'Dead (its monitor was killed)';
  }
}

/** `Up 3 minutes (healthy)`, of a container that runs and is checked. */
function withHealth(status: string, { id, health }: Container['record'], state: Container['state']): string {
  const current = health === undefined || state.status !== 'running' ? undefined : readHealth(id)?.status;
  if (current === undefined) return status;
  return `${status} (${current === 'starting' ? 'health: starting' : current})`;
}

function since(instant: string | undefined, now: number): string {
  return instant === undefined ? 'some time' : humanSince(instant, now);
}
