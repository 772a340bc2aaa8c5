import type { ContainerEvent } from '../../container/events/line.js';
import { flagError } from '../../spec/parse/flag.js';

/** Keys of --filter of `events`. */
export const EVENT_FILTERS: readonly string[] = [
  'container',
  'event',
  'image',
  'label',
  'network',
  'type',
  'volume',
];

/**
 * The values of --filter as one condition: those with the same key are alternatives, except for labels.
 * @throws FosterError
 */
export function eventMatcher(filters: string[]): (event: ContainerEvent) => boolean {
  const groups = new Map<string, string[]>();
  for (const filter of filters) {
    const equals = filter.indexOf('=');
    const key = filter.slice(0, Math.max(equals, 0));
    if (!EVENT_FILTERS.includes(key)) {
      throw flagError('--filter', filter, `expected KEY=VALUE, KEY being one of ${EVENT_FILTERS.join(', ')}`);
    }
    groups.set(key, [...(groups.get(key) ?? []), filter.slice(equals + 1)]);
  }
  return (event) =>
    [...groups].every(([key, values]) =>
      key === 'label'
        ? values.every((value) => isMatch(event, key, value))
        : values.some((value) => isMatch(event, key, value)),
    );
}

/** Podman's names of events that have another name in Docker. */
const PODMAN_ACTIONS: Readonly<Record<string, string>> = {
  died: 'die',
  remove: 'destroy',
  unpaused: 'unpause',
  paused: 'pause',
};

function isMatch(
  { type, action, id, name, attributes }: ContainerEvent,
  key: string,
  value: string,
): boolean {
  const isMeant = name === value || (value !== '' && id.startsWith(value));
  switch (key) {
    case 'type':
      return value === type;
    case 'event':
      return action === (PODMAN_ACTIONS[value] ?? value);
    case 'container':
      return type === 'container' ? isMeant : value !== '' && (attributes.container ?? '').startsWith(value);
    case 'network':
      return type === 'network' && isMeant;
    case 'volume':
      return type === 'volume' && name === value;
    case 'image':
      return attributes.image === value;
    default: {
      const [label = '', ...rest] = value.split('=');
      if (!Object.hasOwn(attributes, label)) return false;
      return rest.length === 0 || attributes[label] === rest.join('=');
    }
  }
}

/** An event as in Docker's API and in `--format json`. */
export function eventJson({ time, type, action, id, name, attributes }: ContainerEvent) {
  return {
    status: action,
    id,
    from: attributes.image ?? '',
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: { ...attributes, name } },
    scope: 'local',
    time: Math.floor(time / 1000),
    // A double cannot hold nanoseconds exactly, but only the milliseconds are known.
    timeNano: time * 1_000_000,
  };
}
