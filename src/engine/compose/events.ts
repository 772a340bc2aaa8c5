import { LABEL } from '../../compose/labels.js';
import { type EventRange, stored } from '../events.js';

/** What has happened to a container of a project. */
export interface ProjectEvent {
  /** Milliseconds since 1970. */
  time: number;
  action: string;
  id: string;
  service: string;
  /** The container's name and image, its own labels, and what is known about the event. */
  attributes: Record<string, string>;
}

/** The events of a project's containers. @param services all if there are none */
export async function* eventsOf(
  project: string,
  services: readonly string[],
  range: Pick<EventRange, 'since' | 'until'>,
): AsyncGenerator<ProjectEvent> {
  const filters = ['type=container', `label=${LABEL.project}=${project}`];
  for await (const { time, action, id, name, attributes } of stored({ ...range, filters })) {
    const service = attributes[LABEL.service] ?? '';
    if (services.length > 0 && !services.includes(service)) continue;
    const own = Object.entries(attributes).filter(([key]) => !key.startsWith('com.docker.compose.'));
    yield { time, action, id, service, attributes: { name, ...Object.fromEntries(own) } };
  }
}
