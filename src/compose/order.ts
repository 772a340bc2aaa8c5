import { FosterError } from '../sys/errors.js';
import { dependenciesOf, type Project, type Service } from './project.js';

/** The services that a service needs and that are there. */
export function needsOf(services: Record<string, Service>, name: string): string[] {
  const service = services[name];
  return service === undefined
    ? []
    : Object.keys(dependenciesOf(service)).filter((other) => services[other] !== undefined);
}

/** All services in an order in which each comes after those that it needs. */
export function inOrder(services: Record<string, Service>): string[] {
  const done = new Set<string>();
  const visit = (name: string) => {
    if (done.has(name)) return;
    done.add(name); // there are no circles: checkOrder
    for (const other of needsOf(services, name)) visit(other);
    order.push(name);
  };
  const order: string[] = [];
  for (const name of Object.keys(services)) visit(name);
  return order;
}

/** The services with these names, and all that they need, directly or not. */
export function withNeeds(services: Record<string, Service>, names: readonly string[]): Set<string> {
  const found = new Set<string>();
  const add = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    for (const other of needsOf(services, name)) add(other);
  };
  for (const name of names) add(name);
  return found;
}

/** @throws FosterError if services need each other in a circle */
export function checkOrder(services: Record<string, Service>, where: Project['where']): void {
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]) => {
    if (trail.includes(name)) {
      const circle = [...trail.slice(trail.indexOf(name)), name];
      throw new FosterError(
        `${where(['services', circle.at(-2) ?? name, 'depends_on', name])}: services need each other in a circle: ${circle.join(', ')}`,
        { kind: 'invalid', exitCode: 1 },
      );
    }
    if (done.has(name)) return;
    for (const other of needsOf(services, name)) visit(other, [...trail, name]);
    done.add(name);
  };
  for (const name of Object.keys(services)) visit(name, []);
}
