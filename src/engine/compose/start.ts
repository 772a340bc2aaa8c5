import { inOrder, withNeeds } from '../../compose/order.js';
import { dependenciesOf, type Project } from '../../compose/project.js';
import { isAlive } from '../../container/store.js';
import { FosterError } from '../../sys/errors.js';
import { start } from '../containers.js';
import { awaitNeeds } from './conditions.js';
import { chosenContainers, type Existing, stopContainers } from './end.js';
import { runHooks } from './hooks.js';
import { type Report, reporting } from './progress.js';
import { containersOf, needsInLabel, type ProjectContainer } from './state.js';

/**
 * Starts the containers of services, and those of what these need, which are started first; all if none is named.
 * @throws FosterError
 */
export async function startServices(
  existing: Existing,
  services: readonly string[],
  report: Report,
): Promise<void> {
  const chosen = servicesOf(chosenContainers(existing, services));
  const all = containersOf(existing.name);
  const wanted =
    existing.project === undefined
      ? new Set(orderInLabels(chosen, all))
      : withNeeds(existing.project.services, chosen);
  await startContainers(
    existing,
    all.filter(({ service }) => wanted.has(service)),
    report,
  );
}

function servicesOf(containers: readonly ProjectContainer[]): string[] {
  return [...new Set(containers.map(({ service }) => service))];
}

/** Starts containers that exist, in the order in which they need each other, when what runs is as they need it. */
async function startContainers(
  { project }: Existing,
  containers: readonly ProjectContainer[],
  report: Report,
): Promise<void> {
  const services = servicesOf(containers);
  const order =
    project === undefined
      ? orderInLabels(services, containers)
      : inOrder(project.services).filter((one) => services.includes(one));
  const isStarted = ({ id }: ProjectContainer) => containers.some((one) => one.id === id);
  const isAwaited = (one: ProjectContainer) => isStarted(one) || isAlive(one.container.state);
  for (const service of order) {
    if (project !== undefined && !report.isDry) await awaitNeeds(service, { project, report, isAwaited });
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

/** Services, each after those that it needs, as the labels of their containers say. */
function orderInLabels(services: readonly string[], containers: readonly ProjectContainer[]): string[] {
  const order: string[] = [];
  const visit = (service: string, trail: readonly string[]) => {
    if (order.includes(service) || trail.includes(service)) return;
    const needs = containers.filter((one) => one.service === service).flatMap(needsInLabel);
    for (const other of needs) visit(other, [...trail, service]);
    order.push(service);
  };
  for (const service of services) visit(service, []);
  return order;
}

/**
 * Stops and starts containers, and those of services that want that: depends_on.restart. What they need and does not run is left
 * alone.
 */
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
