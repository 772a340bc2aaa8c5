import type { ContainerRecord } from '../record.js';
import { timelessEvent, type VolumeAction } from './line.js';

/**
 * What the monitor writes to the events file at the start and the end of each run: for each volume, that it is mounted, and
 * that it is not any more. With Docker's attributes.
 */
export function volumeEvents({
  id,
  volumes = [],
  spec,
}: Pick<ContainerRecord, 'id' | 'volumes' | 'spec'>): string[] {
  return volumes.flatMap(({ name, destination }) => {
    const mount = spec.mounts.find((each) => each.destination === destination);
    const event = (action: VolumeAction, attributes: Record<string, string>) =>
      timelessEvent({
        type: 'volume',
        action,
        id: name,
        name,
        attributes: { container: id, driver: 'local', ...attributes },
      });
    return [
      event('mount', {
        destination,
        propagation: '',
        'read/write': String(!mount?.options.includes('ro')),
      }),
      event('unmount', {}),
    ];
  });
}
