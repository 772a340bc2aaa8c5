import type { Project } from '../../compose/project.js';
import { dependenciesOf } from '../../compose/project.js';
import { isAlive } from '../../container/store.js';
import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import { surroundings } from '../../sys/surroundings.js';
import { kill, pause, remove, stop, unpause } from '../containers.js';
import { runHooks } from './hooks.js';
import { type Report, reporting } from './progress.js';
import { resourcesOf } from './resources.js';
import { allContainersOf, containersOf, needsInLabel, type ProjectContainer } from './state.js';

/** Containers of a project, and its files if they are there. */
export interface Existing {
  name: string;
  project: Project | undefined;
}

/** The containers of the named services; of all if none is named. @throws FosterError for a service that has none and is unknown */
export function chosenContainers(
  { name, project }: Existing,
  services: readonly string[],
  { all = false }: { all?: boolean } = {},
): ProjectContainer[] {
  const containers = all ? allContainersOf(name) : containersOf(name);
  const missing = services.find(
    (one) => project?.services[one] === undefined && !containers.some(({ service }) => service === one),
  );
  if (missing !== undefined)
    throw new FosterError(`no such service: ${missing}`, {
      kind: 'not-found',
      exitCode: 1,
      ...(project && { advice: `the project ${name} has ${Object.keys(project.services).join(', ')}` }),
    });
  return services.length === 0 ? containers : containers.filter(({ service }) => services.includes(service));
}

/**
 * Stops containers: those that need others first, and the others when these have ended.
 * @param timeout seconds until they are killed; their own by default
 */
export async function stopContainers(
  { project }: Existing,
  containers: readonly ProjectContainer[],
  timeout: number | undefined,
  report: Report,
): Promise<void> {
  await inReverse(containers, project, async (one) => {
    if (!isAlive(one.container.state)) return;
    await reporting(report, 'Container', one.name, ['Stopping', 'Stopped'], async () => {
      await runPreStop(project, one);
      await stop(one.id, { timeout });
      faultPoint('container stopped');
    });
  });
}

/** A command that fails does not keep a container from ending. */
async function runPreStop(project: Project | undefined, { service, id }: ProjectContainer): Promise<void> {
  try {
    await runHooks(id, project?.services[service]?.pre_stop ?? [], project?.env ?? {});
  } catch (error) {
    surroundings().warn(error instanceof FosterError ? error.sentence : String(error));
  }
}

/** Does something with each container when it is done with all containers that need it. */
async function inReverse(
  containers: readonly ProjectContainer[],
  project: Project | undefined,
  act: (container: ProjectContainer) => Promise<void>,
): Promise<void> {
  const needs = (one: ProjectContainer): string[] => {
    const service = project?.services[one.service];
    return service === undefined ? needsInLabel(one) : Object.keys(dependenciesOf(service));
  };
  const done = new Map<string, Promise<void>>();
  const end = (one: ProjectContainer, trail: readonly string[]): Promise<void> => {
    const known = done.get(one.id);
    if (known !== undefined) return known;
    const users = containers.filter(
      (other) => other.id !== one.id && !trail.includes(other.id) && needs(other).includes(one.service),
    );
    const promise = (async () => {
      await Promise.allSettled(users.map((other) => end(other, [...trail, one.id])));
      await act(one);
    })();
    done.set(one.id, promise);
    return promise;
  };
  const results = await Promise.allSettled(containers.map((one) => end(one, [])));
  const [failure] = results.filter((one) => one.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

/** Those that are not running. */
export function endedOf(containers: readonly ProjectContainer[]): ProjectContainer[] {
  return containers.filter(({ container }) => !isAlive(container.state));
}

/** Those that have processes. */
export function runningOf(containers: readonly ProjectContainer[]): ProjectContainer[] {
  return containers.filter(
    ({ container: { state } }) => state.status === 'running' || state.status === 'paused',
  );
}

/** Removes the containers of services that the files do not have. */
export async function removeOrphans({ name, project }: Existing, report: Report): Promise<void> {
  if (project === undefined) return;
  const orphans = allContainersOf(name).filter((one) => isOrphan(project, one));
  await Promise.all(orphans.map((one) => removeOne(one, false, report)));
}

function isOrphan({ services, inactive }: Project, { service, isOneOff }: ProjectContainer): boolean {
  return isOneOff || (services[service] === undefined && inactive[service] === undefined);
}

/** Removes containers that are not running. @param options.stops stops them first */
export async function removeContainers(
  existing: Existing,
  containers: readonly ProjectContainer[],
  { stops = false, volumes = false }: { stops?: boolean | undefined; volumes?: boolean | undefined },
  report: Report,
): Promise<void> {
  if (stops) await stopContainers(existing, containers, undefined, report);
  const chosen = stops ? containers : endedOf(containers);
  await Promise.all(chosen.map((one) => removeOne(one, volumes, report)));
}

async function removeOne({ id, name }: ProjectContainer, volumes: boolean, report: Report): Promise<void> {
  await reporting(report, 'Container', name, ['Removing', 'Removed'], async () => {
    await remove(id, { force: true, volumes });
    faultPoint('container removed');
  });
}

/** Sends a signal to the containers of services that are running. */
export async function killContainers(
  containers: readonly ProjectContainer[],
  signal: string,
  report: Report,
): Promise<void> {
  const alive = containers.filter(({ container }) => isAlive(container.state));
  await Promise.all(
    alive.map(({ id, name }) =>
      reporting(report, 'Container', name, ['Killing', 'Killed'], () => kill(id, signal)),
    ),
  );
}

/** Freezes the processes of containers, or lets them continue. */
export async function pauseContainers(
  containers: readonly ProjectContainer[],
  isPausing: boolean,
  report: Report,
): Promise<void> {
  const status = isPausing ? 'running' : 'paused';
  const words = isPausing ? (['Pausing', 'Paused'] as const) : (['Unpausing', 'Unpaused'] as const);
  const chosen = containers.filter(({ container }) => container.state.status === status);
  await Promise.all(
    chosen.map(({ id, name }) =>
      reporting(report, 'Container', name, words, () => (isPausing ? pause(id) : unpause(id))),
    ),
  );
}

export interface DownRequest {
  /** All if there are none. */
  services: readonly string[];
  removeOrphans?: boolean | undefined;
  /** Remove the volumes of the files, and those without a name. */
  volumes?: boolean | undefined;
  /** Remove the images of services: those without a name of their own, or all. */
  images?: 'local' | 'all' | undefined;
  timeout?: number | undefined;
}

/** Stops and removes what `up` has made. */
export async function down(existing: Existing, request: DownRequest, report: Report): Promise<void> {
  const { name, project } = existing;
  const { services, removeOrphans = false, volumes = false, timeout } = request;
  const all = services.length > 0 ? chosenContainers(existing, services) : allContainersOf(name);
  const chosen = removeOrphans || project === undefined ? all : all.filter((one) => !isOrphan(project, one));
  await stopContainers(existing, chosen, timeout, report);
  await Promise.all(chosen.map((one) => removeOne(one, volumes, report)));
  if (services.length > 0) return;
  const left = all.filter((one) => !chosen.includes(one)).map((one) => one.name);
  const gone = new Set(chosen.map((one) => one.name));
  await removeNetworks(name, { left, gone }, report);
  if (volumes) await removeVolumes(existing, { left, gone }, report);
  if (request.images !== undefined) await removeImages(existing, request.images, report);
  if (all.length === 0 && chosen.length === 0 && left.length === 0)
    surroundings().warn(`the project ${name} has no containers`);
}

/** Names of containers of a project: those that are gone, or would be, and others. */
interface Outcome {
  left: readonly string[];
  gone: ReadonlySet<string>;
}

async function removeNetworks(project: string, { left, gone }: Outcome, report: Report): Promise<void> {
  const networks = await import('../networks.js');
  for (const name of (await resourcesOf(project)).networks) {
    const containers = (await networks.info(name)).containers.filter((one) => !gone.has(one));
    if (containers.length > 0) {
      const advice =
        left.length > 0 ? '; --remove-orphans removes the containers of services that are gone' : '';
      surroundings().warn(
        `the network ${name} stays: ${containers.join(', ')} ${containers.length === 1 ? 'is' : 'are'} attached to it${advice}`,
      );
      continue;
    }
    await reporting(report, 'Network', name, ['Removing', 'Removed'], async () => {
      await networks.remove(name);
      faultPoint('network removed');
    });
  }
}

async function removeVolumes(
  { name: project }: Existing,
  { left, gone }: Outcome,
  report: Report,
): Promise<void> {
  const volumes = await import('../volumes.js');
  for (const name of (await resourcesOf(project)).volumes) {
    const containers = (await volumes.info(name)).containers.filter((one) => !gone.has(one));
    if (containers.length > 0) {
      surroundings().warn(
        `the volume ${name} stays: ${containers.join(', ')} ${containers.length === 1 ? 'uses' : 'use'} it${left.length > 0 ? '; --remove-orphans removes the containers of services that are gone' : ''}`,
      );
      continue;
    }
    await reporting(report, 'Volume', name, ['Removing', 'Removed'], async () => {
      await volumes.remove(name);
      faultPoint('volume removed');
    });
  }
}

async function removeImages({ project }: Existing, which: 'local' | 'all', report: Report): Promise<void> {
  if (project === undefined) return;
  const images = await import('../images.js');
  const { imageOf } = await import('./make.js');
  const { findImage } = await import('../../image/store/images.js');
  const names = Object.entries(project.services).flatMap(([key, { image }]) =>
    which === 'all' || image === undefined ? [imageOf(project, key)] : [],
  );
  for (const name of new Set(names)) {
    if (findImage(name) === undefined) continue;
    await reporting(report, 'Image', name, ['Removing', 'Removed'], async () => {
      const { failures } = await images.remove([name]);
      if (failures.length > 0) throw failures[0];
    });
  }
}
