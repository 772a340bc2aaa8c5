import type { ContainerEvent } from '../../container/events/line.js';
import { candidateNames, formatReference, parseReference } from '../../image/store/reference.js';
import { type FilterTable, labelTest, matcherOf } from './filters.js';

/** Podman's names of events that have another name in Docker. */
const PODMAN_ACTIONS: Readonly<Record<string, string>> = {
  died: 'die',
  remove: 'destroy',
  unpaused: 'unpause',
  paused: 'pause',
};

/** Whether an event is about the thing with this name, or with an id that begins so. */
const isOf = ({ name, id }: ContainerEvent, value: string) =>
  name === value || (value !== '' && id.replace(DIGEST, '').startsWith(value.replace(DIGEST, '')));

/** In front of the id of an image. */
const DIGEST = /^sha256:/;

/** Whether a name means the same image: `docker.io/library/alpine` for `alpine:latest`. */
function isNamed(name: string, value: string): boolean {
  try {
    return candidateNames(parseReference(value)).includes(formatReference(parseReference(name)));
  } catch {
    return false;
  }
}

/** Podman's `remove` is `destroy` in Docker, and `delete` of images. */
function hasAction(value: string): (event: ContainerEvent) => boolean {
  const wanted = PODMAN_ACTIONS[value] ?? value;
  return ({ action, type }) => {
    if (value === 'remove' && type === 'pod') return action === 'remove';
    return action === (value === 'remove' && type === 'image' ? 'delete' : wanted);
  };
}

const FILTERS: FilterTable<ContainerEvent> = {
  container: (value) => (event) =>
    event.type === 'container'
      ? isOf(event, value)
      : value !== '' && (event.attributes.container ?? '').startsWith(value),
  event: hasAction,
  image: (value) => (event) =>
    event.type === 'image'
      ? isOf(event, value) || isNamed(event.name, value)
      : event.attributes.image === value,
  label(value) {
    const hasLabel = labelTest(value);
    return ({ attributes }) => hasLabel(attributes);
  },
  network: (value) => (event) => event.type === 'network' && isOf(event, value),
  pod: (value) => (event) => event.type === 'pod' && isOf(event, value),
  status: hasAction, // Podman's other name for it
  type: (value) => (event) => event.type === value,
  volume: (value) => (event) => event.type === 'volume' && event.name === value,
};

/** Keys of --filter of `events`. */
export const EVENT_FILTERS: readonly string[] = Object.keys(FILTERS);

/**
 * Turns the values of --filter into one condition: values of the same key are alternatives, except for labels.
 * @throws FosterError
 */
export function eventMatcher(filters: readonly string[]): (event: ContainerEvent) => boolean {
  return matcherOf(filters, FILTERS, EVENT_FILTERS);
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
