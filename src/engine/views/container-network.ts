import type { ContainerRecord } from '../../container/record.js';

/** The network of a container, as `ps` and `inspect` call it. */
export function networkModeOf({ spec }: Pick<ContainerRecord, 'spec'>): 'none' | 'host' {
  return spec.linux.namespaces.some(({ type }) => type === 'network') ? 'none' : 'host';
}
