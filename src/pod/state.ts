import type { Container, ContainerState } from '../container/store.js';
import { isAlive } from '../container/store.js';
import type { Pod } from './store.js';

/** The states of a pod, in Podman's words. */
export const POD_STATES = ['Created', 'Running', 'Degraded', 'Paused', 'Stopped', 'Exited'] as const;

export type PodState = (typeof POD_STATES)[number];

/**
 * The state of a pod, which follows from those of its containers. An init container that has done its work does not count.
 * `Degraded`: not all of them run; `Stopped`: none does, and some have never run; `Exited`: all have ended.
 */
export function podState({ containers }: Pick<Pod, 'containers'>): PodState {
  const states = containers.filter((one) => !isDone(one)).map(({ state }) => kindOf(state));
  const all = (kind: Kind) => states.length > 0 && states.every((one) => one === kind);
  const some = (kind: Kind) => states.includes(kind);
  if (states.length === 0) return 'Created';
  if (all('running')) return 'Running';
  if (some('running') || some('restarting')) return 'Degraded';
  if (all('paused')) return 'Paused';
  if (all('ended')) return 'Exited';
  return some('ended') ? 'Stopped' : 'Created';
}

/** Whether any of its containers runs, is paused, or is about to be started again. */
export function isPodAlive({ containers }: Pick<Pod, 'containers'>): boolean {
  return containers.some(({ state }) => isAlive(state));
}

function isDone({ record, state }: Container): boolean {
  return isInit(record) && state.status === 'exited' && state.exitCode === 0;
}

/** Whether it is an init container, which runs to its end. */
export function isInit({ initContainer }: Pick<Container['record'], 'initContainer'>): boolean {
  return initContainer !== undefined && initContainer !== 'sidecar';
}

/** Whether it runs beside the others, and is started before and stopped after them. */
export function isSidecar({ initContainer }: Container['record']): boolean {
  return initContainer === 'sidecar';
}

type Kind = 'running' | 'paused' | 'created' | 'ended' | 'restarting';

function kindOf({ status }: ContainerState): Kind {
  switch (status) {
    case 'exited':
    case 'dead':
      return 'ended';
    default:
      return status;
  }
}
