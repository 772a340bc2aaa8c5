import type { ContainerEvent as StoredEvent } from '../container/events/line.js';
import type { ContainerEvent, EventOptions } from './types.js';

/** An event as it is stored, with its time in milliseconds since 1970. */
export type { StoredEvent };

export interface EventRange {
  /** Milliseconds since 1970. Without either, only new events; without `until`, the events never end. */
  since?: number | undefined;
  until?: number | undefined;
  /** `KEY=VALUE` each: views/event.ts. */
  filters?: readonly string[];
}

/** Container events. @throws FosterError for a filter that does not exist */
export async function* stored({ filters = [], ...range }: EventRange): AsyncGenerator<StoredEvent> {
  const { eventMatcher } = await import('./views/event.js');
  const { readEvents } = await import('../container/events/reader.js');
  const matches = eventMatcher([...filters]);
  for await (const event of readEvents(range)) if (matches(event)) yield event;
}

/** Container events as the library returns them. */
export async function* events({ since, until, filters }: EventOptions): AsyncGenerator<ContainerEvent> {
  const range = { since: since?.getTime(), until: until?.getTime(), ...(filters && { filters }) };
  for await (const { time, ...event } of stored(range)) yield { time: new Date(time), ...event };
}
