import type { Hook, Hooks } from '../spec/request.js';
import type { Container, Handler } from './model.js';
import type { Place } from './place.js';
import { askedBy } from './probes.js';

/**
 * The hooks of a container.
 * @param variables of the container, for `$(NAME)`
 * @throws FosterError that names the field
 */
export function hooksOf(
  container: Container,
  place: Place,
  variables: ReadonlyMap<string, string>,
): Hooks | undefined {
  const { postStart, preStop } = container.lifecycle ?? {};
  if (postStart === undefined && preStop === undefined) return undefined;
  const hook = (handler: Handler, name: string) =>
    hookOf(handler, container, place.below('lifecycle', name), variables);
  return {
    ...(postStart && { postStart: hook(postStart, 'postStart') }),
    ...(preStop && { preStop: hook(preStop, 'preStop') }),
  };
}

function hookOf(
  { exec, httpGet, sleep }: Handler,
  container: Container,
  place: Place,
  variables: ReadonlyMap<string, string>,
): Hook {
  if ([exec, httpGet, sleep].filter((handler) => handler !== undefined).length !== 1)
    throw place.error('expected one of exec, httpGet and sleep');
  if (sleep) return { command: [], sleep: sleep.seconds * 1000 };
  return askedBy({ ...(exec && { exec }), ...(httpGet && { httpGet }) }, container, place, variables);
}
