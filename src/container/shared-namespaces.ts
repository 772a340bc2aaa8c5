import { openSync } from 'node:fs';
import { FosterError } from '../sys/errors.js';
import type { NetworkDraft } from './network-draft.js';
import { type Container, findContainer, readContainer } from './store.js';

/** Containers that share namespaces: `--pid container:NAME`, `--network container:NAME`, and the containers of a pod. */

/**
 * The running container with which another one shares namespaces.
 * @throws FosterError if it does not run
 */
export function targetOf(draft: NetworkDraft, id: string): Container {
  if (draft.shares === undefined) return draft.joins === undefined ? networkTarget(id) : joinTarget(id);
  const infra = findInfra(id);
  const { record, state } = infra;
  if (state.status === 'running') return infra;
  throw new FosterError(`cannot join the pod: its infra container ${record.name} is ${state.status}`, {
    kind: 'conflict',
    advice: `first: foster ${state.status === 'paused' ? 'unpause' : 'start'} ${record.name}`,
    exitCode: 1,
  });
}

/**
 * Opens the user namespace of a process with which a container shares namespaces.
 * @throws FosterError if the process has ended
 */
export function openUsers(pid: number): number {
  try {
    return openSync(`/proc/${pid}/ns/user`, 'r');
  } catch (error) {
    throw new FosterError('cannot join the namespaces of the other container: it has just ended', {
      kind: 'conflict',
      advice: 'try it again',
      cause: error,
    });
  }
}

/** The infra container of a pod. @throws FosterError of the kind `not-found` */
export function findInfra(id: string): Container {
  const container = readContainer(id);
  if (container !== undefined) return container;
  throw new FosterError('cannot join the pod: its infra container is gone', {
    kind: 'not-found',
    advice: "'foster pod ps' lists pods, and 'foster pod start POD' makes another one",
    exitCode: 1,
  });
}

/**
 * The running container whose PID and user namespaces another one will share.
 * @throws FosterError with `exitCode` if it is not running
 */
export function joinTarget(reference: string, options: { exitCode?: number } = {}): Container {
  const container = findContainer(reference, options);
  if (container.state.status === 'running') return container;
  throw new FosterError(`cannot join the PID namespace of container ${reference}: it is not running`, {
    kind: 'conflict',
    advice: `start it first: foster start ${reference}`,
  });
}

/** The running container whose network is to be shared. @throws FosterError */
export function networkTarget(reference: string, options: { exitCode?: number } = {}): Container {
  const container = findContainer(reference, options);
  const { record, state } = container;
  const types = new Set(record.spec.linux.namespaces.map(({ type }) => type));
  const what = `cannot share the network of container ${reference}`;
  if (state.status !== 'running')
    throw new FosterError(`${what}: it is not running`, {
      kind: 'conflict',
      advice: `start it first: foster start ${reference}`,
    });
  if (!types.has('network'))
    throw new FosterError(`${what}: it uses the network of the host`, { advice: 'use --network host' });
  if (!types.has('user') || record.joins !== undefined)
    throw new FosterError(`${what}: it has no user namespace of its own`, { kind: 'unsupported' });
  return container;
}
