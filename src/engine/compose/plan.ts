import { dependenciesOf, type Project, type Service, scaleOf, serviceIn } from '../../compose/project.js';
import { findImage } from '../../image/store/images.js';
import { FosterError } from '../../sys/errors.js';
import { containerName, hashOf, imageOf } from './make.js';
import type { ProjectContainer } from './state.js';

/** How the containers of a service become what the files say. */
export interface ServicePlan {
  service: string;
  /** Numbers of containers to make. */
  create: number[];
  /** Containers that others take the place of. */
  replace: ProjectContainer[];
  /** Containers that stay as they are. */
  keep: ProjectContainer[];
  /** Containers that are too many. */
  remove: ProjectContainer[];
  /** Whether those that stay are restarted, because what they depend on is new: depends_on.restart. */
  restarts: boolean;
}

export interface PlanOptions {
  /** Make all containers anew, or those of these services only. */
  force?: boolean | ReadonlySet<string> | undefined;
  /** Make no container anew. */
  noRecreate?: boolean | undefined;
  scale?: ReadonlyMap<string, number> | undefined;
}

/**
 * Compares containers with what the files say.
 * @param order the services, those that others need first
 */
export function planServices(
  project: Project,
  order: readonly string[],
  existing: readonly ProjectContainer[],
  options: PlanOptions,
): ServicePlan[] {
  const changed = new Set<string>();
  return order.map((name) => {
    const own = existing.filter(({ service }) => service === name);
    const plan = planService(project, name, own, options, changed);
    if (plan.replace.length > 0) changed.add(name);
    return plan;
  });
}

function planService(
  project: Project,
  name: string,
  own: readonly ProjectContainer[],
  { force, noRecreate, scale }: PlanOptions,
  changed: ReadonlySet<string>,
): ServicePlan {
  const service = project.services[name];
  if (service === undefined) throw new Error(`no service ${name}`);
  const wanted = scale?.get(name) ?? scaleOf(service);
  if (wanted > 1 && service.container_name !== undefined)
    throw new FosterError(
      `${project.where(['services', name, 'container_name'])}: ${wanted} containers cannot have the same name`,
      { kind: 'invalid', exitCode: 1, advice: 'leave out container_name' },
    );
  const hash = hashOf(project, name);
  const isForced = force === true || (typeof force === 'object' && force.has(name));
  const isShared = sharedServices(service).some((other) => changed.has(other));
  const isCurrent = (one: ProjectContainer) =>
    !isForced && !isShared && (noRecreate || (one.hash === hash && hasCurrentImage(project, name, one)));
  // of several with one number, which a killed command may leave, the current one stays, and that with the proper name
  const ranked = own.toSorted(
    (one, other) =>
      one.number - other.number ||
      Number(isCurrent(other)) - Number(isCurrent(one)) ||
      Number(isNamed(project, other)) - Number(isNamed(project, one)),
  );
  const first = ranked.filter((one, index) => ranked[index - 1]?.number !== one.number);
  const kept = first.slice(0, wanted);
  const remove = own.filter((one) => !kept.includes(one));
  const taken = new Set(kept.map(({ number }) => number));
  const create: number[] = [];
  for (let number = 1; taken.size + create.length < wanted; number++)
    if (!taken.has(number)) create.push(number);
  const replace = kept.filter((one) => !isCurrent(one));
  const restarts = Object.entries(dependenciesOf(service)).some(
    ([other, { restart }]) => restart && changed.has(other),
  );
  return { service: name, create, replace, keep: kept.filter(isCurrent), remove, restarts };
}

/** The services whose namespaces a service shares: without their containers, its own cannot run. */
export function sharedServices({ network_mode, pid, ipc }: Service): string[] {
  return [network_mode, pid, ipc].map(serviceIn).filter((name) => name !== undefined);
}

function isNamed(project: Project, { service, number, name }: ProjectContainer): boolean {
  return name === containerName(project, service, number);
}

/** Whether the image of that name is still the one that the container was made from. */
function hasCurrentImage(project: Project, name: string, { container }: ProjectContainer): boolean {
  const { image } = container.record;
  const now = findImage(imageOf(project, name));
  return image === undefined ? now === undefined : now === undefined || now.id === image.id;
}
