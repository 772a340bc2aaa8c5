import { withNeeds } from '../../compose/order.js';
import { dependenciesOf, type Project } from '../../compose/project.js';

/** What services depend on, directly or not, without themselves. */
export function neededBy({ services }: Project, names: readonly string[]): Set<string> {
  const all = withNeeds(services, names);
  for (const name of names) all.delete(name);
  return all;
}

/** A project with some of its services and what they depend on; all if none is named. */
export function withOnly(project: Project, names: readonly string[]): Project {
  if (names.length === 0) return project;
  const wanted = withNeeds(project.services, names);
  const services = Object.entries(project.services).filter(([name]) => wanted.has(name));
  return { ...project, services: Object.fromEntries(services) };
}

/** The services that others need to have ended: an end of them is no failure. */
export function jobsOf({ services }: Project): Set<string> {
  const needs = Object.values(services).flatMap((one) => Object.entries(dependenciesOf(one)));
  return new Set(
    needs.flatMap(([name, { condition }]) => (condition === 'service_completed_successfully' ? [name] : [])),
  );
}
