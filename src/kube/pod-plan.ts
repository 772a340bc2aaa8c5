import type { RestartPolicy } from '../spec/request.js';
import type { Container, Meta, PodSpec } from './model.js';
import type { Place } from './place.js';

/** A pod that is to be made. */
export interface PodPlan {
  /** With the pod's own name. */
  meta: Meta;
  spec: PodSpec;
  /** Where the spec is. */
  place: Place;
  /** Of its containers but the init containers. */
  restart: RestartPolicy;
  /** Names that it has in its network beside its own. */
  aliases: string[];
  /** HOST:CONTAINER/PROTOCOL of services. */
  ports: string[];
}

/** A container of a pod, with where it is. */
export interface PlacedContainer {
  container: Container;
  place: Place;
  isInit: boolean;
}

/** The containers of a pod in the order in which they are made. */
export function containersOf({ spec, place }: PodPlan): PlacedContainer[] {
  const placed = (key: 'initContainers' | 'containers', isInit: boolean) =>
    (spec[key] ?? []).map((container, index) => ({ container, place: place.below(key, index), isInit }));
  return [...placed('initContainers', true), ...placed('containers', false)];
}

/** The restart policy of the containers of a pod. @param tries after failures; 0 for no limit */
export function restartOf({ restartPolicy = 'Always' }: PodSpec, tries = 0): RestartPolicy {
  if (restartPolicy === 'Never') return { policy: 'no', max: 0 };
  return restartPolicy === 'Always' ? { policy: 'always', max: 0 } : { policy: 'on-failure', max: tries };
}

/** As the option --restart has it. */
export function restartText({ policy, max }: RestartPolicy): string {
  return max > 0 ? `${policy}:${max}` : policy;
}

/** The name of the container, as in Podman. */
export function containerName({ meta: { name } }: PodPlan, container: Container): string {
  return `${name}-${container.name}`;
}
