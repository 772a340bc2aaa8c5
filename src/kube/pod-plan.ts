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
  /** The name of the pod that is to have done its work before it starts. */
  after?: string;
  /** The name of the pod that starts when it has done its work. */
  next?: string;
  /** The name of the first pod of its Job. */
  job?: string;
}

/** A container of a pod, with where it is. */
export interface PlacedContainer {
  container: Container;
  place: Place;
  role: 'init' | 'sidecar' | 'main';
}

/** The containers of a pod in the order in which they are made. */
export function containersOf({ spec, place }: PodPlan): PlacedContainer[] {
  const { initContainers = [], containers } = spec;
  return [
    ...initContainers.map((container, index) => ({
      container,
      place: place.below('initContainers', index),
      role: container.restartPolicy === 'Always' ? ('sidecar' as const) : ('init' as const),
    })),
    ...containers.map((container, index) => ({
      container,
      place: place.below('containers', index),
      role: 'main' as const,
    })),
  ];
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
