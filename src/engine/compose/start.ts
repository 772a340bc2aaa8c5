import { inOrder, needsOf } from '../../compose/order.js';
import { dependenciesOf, type Project } from '../../compose/project.js';
import { isAlive } from '../../container/store.js';
import { FosterError } from '../../sys/errors.js';
import { start } from '../containers.js';
import { awaitNeeds } from './conditions.js';
import { type Existing, stopContainers } from './end.js';
import { runHooks } from './hooks.js';
import { type Report, reporting } from './progress.js';
import { containersOf, needsInLabel, type ProjectContainer } from './state.js';

/** Starts containers that exist: those that others need first, when they are as the others need them. @throws FosterError */
export async function startContainers(
  { name, project }: Existing,
  containers: readonly ProjectContainer[],
  report: Report,
): Promise<void> {
  const services = [...new Set(containers.map(({ service }) => service))];
  const order =
    project === undefined
      ? orderInLabels(containers)
      : inOrder(project.services).filter((one) => services.includes(one));
  const present = new Set(containersOf(name).map(({ service }) => service));
  for (const service of order) {
    if (project !== undefined) {
      const needs = needsOf(project.services, service).filter((other) => present.has(other));
      if (!report.isDry) await awaitNeeds(project, service, new Set(needs), report, () => {});
    }
    const own = containers.filter((one) => one.service === service && !isAlive(one.container.state));
    await Promise.all(
      own.map(({ id, name: container }) =>
        reporting(report, 'Container', container, ['Starting', 'Started'], async () => {
          await start(id);
          await runHooks(id, project?.services[service]?.post_start ?? [], project?.env ?? {});
        }),
      ),
    );
  }
}

function orderInLabels(containers: readonly ProjectContainer[]): string[] {
  const order: string[] = [];
  const visit = (service: string, trail: readonly string[]) => {
    if (order.includes(service) || trail.includes(service)) return;
    const needs = containers.filter((one) => one.service === service).flatMap(needsInLabel);
    for (const other of needs) visit(other, [...trail, service]);
    order.push(service);
  };
  for (const { service } of containers) visit(service, []);
  return order;
}

/** Stops and starts containers, and those of services that want that: depends_on.restart. */
export async function restartContainers(
  existing: Existing,
  containers: readonly ProjectContainer[],
  { timeout, noDeps = false }: { timeout?: number | undefined; noDeps?: boolean | undefined },
  report: Report,
): Promise<void> {
  const { project, name } = existing;
  const services = new Set(containers.map(({ service }) => service));
  if (project !== undefined && !noDeps)
    for (const service of wantingRestart(project, services)) services.add(service);
  const all = containersOf(name).filter(
    (one) =>
      services.has(one.service) &&
      (containers.some(({ id }) => id === one.id) || isAlive(one.container.state)),
  );
  await stopContainers(existing, all, timeout, report);
  if (report.isDry)
    for (const { name: one } of all)
      await reporting(report, 'Container', one, ['Starting', 'Started'], async () => {});
  const ended = containersOf(name).filter(({ id }) => all.some((one) => one.id === id));
  await startContainers(existing, ended, report);
}

function wantingRestart({ services }: Project, restarted: ReadonlySet<string>): string[] {
  return Object.entries(services).flatMap(([name, service]) =>
    Object.entries(dependenciesOf(service)).some(([other, { restart }]) => restart && restarted.has(other))
      ? [name]
      : [],
  );
}

/**
 * The container of a service with this number; 1 by default.
 * @throws FosterError if it does not run
 */
export function containerOf(
  existing: Existing,
  service: string,
  index: number | undefined,
): ProjectContainer {
  const own = containersOf(existing.name).filter((one) => one.service === service);
  const found = index === undefined ? own[0] : own.find(({ number }) => number === index);
  if (found !== undefined) return found;
  const isKnown = existing.project?.services[service] !== undefined || own.length > 0;
  throw new FosterError(
    isKnown
      ? `service ${service} has no container${index === undefined ? '' : ` ${index}`}`
      : `no such service: ${service}`,
    { kind: 'not-found', exitCode: 1, advice: 'foster compose ps -a lists the containers' },
  );
}
