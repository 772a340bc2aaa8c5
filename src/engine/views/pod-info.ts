import { isReady } from '../../container/store.js';
import { podState } from '../../pod/state.js';
import { type Pod, withoutInfra } from '../../pod/store.js';
import type { PodInfo } from '../types.js';

/** A pod as the library shows it. */
export function podInfo(pod: Pod): PodInfo {
  const { id, name, created, labels, shares, infra } = pod.record;
  return {
    id,
    name,
    created: new Date(created),
    state: podState(pod),
    shares,
    labels,
    infra: infra?.id,
    containers: withoutInfra(pod).map((container) => ({
      id: container.record.id,
      name: container.record.name,
      status: container.state.status,
      ready: isReady(container),
    })),
  };
}
