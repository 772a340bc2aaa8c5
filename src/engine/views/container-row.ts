import { type Container, readHealth } from '../../container/store.js';
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

/** `{{.Label "KEY"}}` */
export function labelOf({ record }: Container): (key: unknown) => string {
  return (key) => (Object.hasOwn(record.labels, String(key)) ? (record.labels[String(key)] ?? '') : '');
}

/** A container as a row of `docker ps --no-trunc`. @param now in milliseconds since 1970 */
export function containerRow({ record, state }: Container, now: number): Record<ContainerField, string> {
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
    Networks: record.spec.linux.namespaces.some(({ type }) => type === 'network') ? 'none' : 'host',
  };
}

/** Docker's wording: `Up 3 minutes`, `Exited (0) 2 hours ago`, `Created`. */
export function statusOf(state: Container['state'], now: number): string {
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
  const shown = health === undefined || state.status !== 'running' ? undefined : readHealth(id)?.status;
  if (shown === undefined) return status;
  return `${status} (${shown === 'starting' ? 'health: starting' : shown})`;
}

function since(instant: string | undefined, now: number): string {
  return instant === undefined ? 'some time' : humanSince(instant, now);
}
