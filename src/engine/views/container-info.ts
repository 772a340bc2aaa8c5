import { type Container, readCounts, readHealth, statusWord } from '../../container/store.js';
import type { ContainerInfo } from '../types.js';

/** A container as the library describes it. */
export function containerInfo({ record, state }: Container): ContainerInfo {
  const { startedAt, finishedAt, exitCode } = state;
  const health = record.health && readHealth(record.id);
  const orphans = readCounts(record.id);
  return {
    id: record.id,
    name: record.name,
    root: record.root,
    command: record.command,
    status: statusWord(state),
    pid: state.pid,
    restarts: state.restarts,
    labels: record.labels,
    created: new Date(record.created),
    ...(startedAt !== undefined && { started: new Date(startedAt) }),
    ...(finishedAt !== undefined && { finished: new Date(finishedAt) }),
    ...(exitCode !== undefined && { exitCode }),
    ...(health && { health: health.status }),
    ...(orphans && { orphans }),
  };
}
