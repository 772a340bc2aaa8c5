import { inOrder, needsOf, withNeeds } from '../../compose/order.js';
import type { Project } from '../../compose/project.js';
import { isAlive, readContainer } from '../../container/store.js';
import { EXIT, FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import { surroundings } from '../../sys/surroundings.js';
import { remove, rename, restart, start, stop } from '../containers.js';
import { awaitNeeds } from './conditions.js';
import { runHooks } from './hooks.js';
import { type ImageRequest, prepareImages } from './images.js';
import { containerName, makeContainer } from './make.js';
import { type PlanOptions, planServices, type ServicePlan, sharedServices } from './plan.js';
import { type Report, reporting } from './progress.js';
import { makeResources, type UndoList } from './resources.js';
import { type ProjectContainer, replacedName, serviceContainersOf } from './state.js';

export interface UpRequest extends PlanOptions {
  /** All services if there are none. */
  services: readonly string[];
  /** Leave what they depend on alone. */
  noDeps?: boolean | undefined;
  images: ImageRequest;
  /** Only make the containers. */
  noStart?: boolean | undefined;
  /** Remove containers of services that the files no longer have. */
  removeOrphans?: boolean | undefined;
  /** Volumes without a name are made anew, too. */
  renewsVolumes?: boolean | undefined;
  /** Seconds until a container that is replaced is killed; its own by default. */
  timeout?: number | undefined;
  ignoreUnenforced?: boolean | undefined;
  /** Called with the id of each container that runs. */
  onRunning?: ((id: string) => void) | undefined;
}

/**
 * Makes the containers of services what the files say, and starts them. What fails, or is interrupted, leaves what was there
 * before: everything that was made is removed, and what was replaced is back.
 * @returns the services that it has looked after, those that others need first
 * @throws FosterError
 */
export async function up(project: Project, request: UpRequest, report: Report): Promise<string[]> {
  const undo: UndoList = [];
  let undone: Promise<void> | undefined;
  const undoAll = () => {
    undone ??= undoEach(undo);
    return undone;
  };
  const takeBack = surroundings().onInterrupt(undoAll, { last: true });
  try {
    return await new Up(project, request, report, undo).run();
  } catch (error) {
    if (!report.isDry) await undoAll();
    throw withOwnCode(error);
  } finally {
    takeBack();
  }
}

/** The exit code of a failure of foster itself means something only where a command of a container has one. */
function withOwnCode(error: unknown): unknown {
  if (!(error instanceof FosterError) || error.exitCode < EXIT.FOSTER || error.kind === 'interrupted')
    return error;
  const { message, kind, advice } = error;
  return new FosterError(message, {
    kind,
    exitCode: 1,
    cause: error,
    ...(advice !== undefined && { advice }),
  });
}

/** What cannot be undone is reported: the rest is undone all the same. */
async function undoEach(undo: UndoList): Promise<void> {
  for (const act of undo.splice(0).reverse()) {
    try {
      await act();
    } catch (error) {
      surroundings().warn(error instanceof FosterError ? error.sentence : String(error));
    }
  }
}

class Up {
  readonly #order: string[];
  readonly #started = new Map<string, Promise<void>>();
  /** Containers that others have taken the place of. */
  readonly #old: ProjectContainer[] = [];
  #failure: unknown;

  constructor(
    readonly project: Project,
    readonly request: UpRequest,
    readonly report: Report,
    readonly undo: UndoList,
  ) {
    const { services } = project;
    const named = request.services.length > 0 ? request.services : Object.keys(services);
    const chosen = request.noDeps ? new Set(named) : withNeeds(services, named);
    this.#order = inOrder(services).filter((name) => chosen.has(name));
  }

  async run(): Promise<string[]> {
    const { project, request, report } = this;
    const existing = serviceContainersOf(project.name);
    await this.#handleOrphans(existing);
    await prepareImages(project, this.#order, request.images, report);
    await makeResources(project, this.#order, report, this.undo);
    const plans = planServices(project, this.#order, existing, request);
    await this.#stopOld(plans);
    const made = new Map<string, string[]>();
    for (const plan of plans)
      if (!this.#isMadeLate(plan.service)) made.set(plan.service, await this.#make(plan));
    if (!request.noStart) {
      const all = plans.map((plan) => this.#startOnce(plan.service, plans, made));
      const [failure] = (await Promise.allSettled(all)).filter((one) => one.status === 'rejected');
      if (failure !== undefined) throw this.#failure ?? failure.reason;
    }
    await this.#removeOld(plans);
    return this.#order;
  }

  /** Containers of services that the files do not have. */
  async #handleOrphans(existing: readonly ProjectContainer[]): Promise<void> {
    const { services, inactive, name } = this.project;
    const orphans = existing.filter(
      ({ service }) => services[service] === undefined && inactive[service] === undefined,
    );
    if (orphans.length === 0) return;
    if (!this.request.removeOrphans) {
      const names = orphans.map((one) => one.name).join(', ');
      surroundings().warn(
        `the project ${name} has containers of services that are not in its files: ${names}; --remove-orphans removes them`,
      );
      return;
    }
    for (const orphan of orphans) await this.#removeContainer(orphan);
  }

  async #removeContainer({ id, name }: ProjectContainer, volumes = false): Promise<void> {
    await reporting(this.report, 'Container', name, ['Removing', 'Removed'], async () => {
      await stop(id, { timeout: this.request.timeout });
      await remove(id, { force: true, volumes });
      faultPoint('container removed');
    });
  }

  /** Containers that share namespaces of others are made when these run. */
  #isMadeLate(service: string): boolean {
    const isLate = sharedServices(this.project.services[service] ?? {}).length > 0;
    if (isLate && this.request.noStart)
      surroundings().warn(
        `service ${service} shares namespaces of another: its container is made by foster compose up`,
      );
    return isLate;
  }

  /** Makes the containers of a service that are missing or not current. @returns the ids of those to start */
  async #make(plan: ServicePlan): Promise<string[]> {
    const { service, create, replace, keep } = plan;
    for (const container of keep) await this.#nameAgain(container, plan);
    const fresh: string[] = [];
    for (const number of create) fresh.push(await this.#makeOne(service, number, undefined));
    for (const container of replace) fresh.push(await this.#replace(container));
    return [...keep.map(({ id }) => id), ...fresh];
  }

  /** A command that was killed may have taken its name, and has perhaps made another in its place, which is too many now. */
  async #nameAgain({ id, name, service, number }: ProjectContainer, plan: ServicePlan): Promise<void> {
    const own = containerName(this.project, service, number);
    if (name !== replacedName(id, own)) return;
    const holder = plan.remove.find((one) => one.name === own);
    if (holder !== undefined) {
      await this.#removeContainer(holder);
      plan.remove = plan.remove.filter((one) => one !== holder);
    }
    await rename(id, own);
  }

  async #makeOne(service: string, number: number, instead: ProjectContainer | undefined): Promise<string> {
    const { project, request } = this;
    const name = containerName(project, service, number);
    const words =
      instead === undefined ? (['Creating', 'Created'] as const) : (['Recreating', 'Recreated'] as const);
    let made = name; // of a container that is not made, only its name is known
    await reporting(this.report, 'Container', name, words, async () => {
      const { ignoreUnenforced, renewsVolumes } = request;
      const quiet = request.images.quiet;
      const wanted = { project, service, number, name, instead, ignoreUnenforced, renewsVolumes, quiet };
      const id = await makeContainer(wanted);
      this.undo.push(() => remove(id, { force: true, volumes: instead === undefined }));
      made = id;
    });
    return made;
  }

  /** The old one gives up its name, and stays until everything has started. */
  async #replace(container: ProjectContainer): Promise<string> {
    const { id, name, service, number } = container;
    const free = replacedName(id, containerName(this.project, service, number));
    if (name !== free && !this.report.isDry) {
      await rename(id, free);
      faultPoint('old container renamed');
      this.undo.push(() => rename(id, name));
    }
    this.#old.push(container);
    return await this.#makeOne(service, number, container);
  }

  #startOnce(
    name: string,
    plans: readonly ServicePlan[],
    made: ReadonlyMap<string, string[]>,
  ): Promise<void> {
    const known = this.#started.get(name);
    if (known !== undefined) return known;
    const promise = this.#start(name, plans, made).catch((error) => {
      this.#failure ??= error;
      throw error;
    });
    this.#started.set(name, promise);
    return promise;
  }

  async #start(
    name: string,
    plans: readonly ServicePlan[],
    made: ReadonlyMap<string, string[]>,
  ): Promise<void> {
    const { project, report } = this;
    const needs = needsOf(project.services, name).filter((other) => this.#order.includes(other));
    await Promise.all(needs.map((other) => this.#startOnce(other, plans, made)));
    this.#stopIfFailed();
    if (!report.isDry)
      await awaitNeeds(name, {
        project,
        report,
        isAwaited: ({ id, service }) => needs.includes(service) && !plans.some((one) => isTooMany(one, id)),
        stop: () => this.#stopIfFailed(),
      });
    const plan = plans.find(({ service }) => service === name);
    const ids = made.get(name) ?? (plan === undefined ? [] : await this.#make(plan));
    await Promise.all(ids.map((id) => this.#startContainer(name, id, plan)));
  }

  #stopIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Those that are replaced, or are too many, end before others are made: these may have the same ports. */
  async #stopOld(plans: readonly ServicePlan[]): Promise<void> {
    const old = plans.flatMap(({ replace, remove: tooMany }) => [...replace, ...tooMany]);
    await Promise.all(
      old.map(async ({ id, name, container }) => {
        if (!isAlive(container.state)) return;
        this.undo.push(() => start(id));
        await reporting(this.report, 'Container', name, ['Stopping', 'Stopped'], () =>
          stop(id, { timeout: this.request.timeout }),
        );
        faultPoint('old container stopped');
      }),
    );
  }

  async #startContainer(service: string, id: string, plan: ServicePlan | undefined): Promise<void> {
    const container = readContainer(id);
    const name = container?.record.name ?? id;
    const isRunning = container !== undefined && isAlive(container.state);
    if (isRunning && plan?.restarts) {
      await reporting(this.report, 'Container', name, ['Restarting', 'Restarted'], () => restart(id));
      return;
    }
    if (isRunning) {
      this.request.onRunning?.(id);
      return this.report({ kind: 'Container', name, text: 'Running' });
    }
    await reporting(this.report, 'Container', name, ['Starting', 'Started'], async () => {
      if (container !== undefined && container.state.status !== 'created')
        this.undo.push(() => stop(id, { timeout: 0 }));
      await start(id);
      faultPoint('container started');
      this.request.onRunning?.(id);
      await runHooks(id, this.project.services[service]?.post_start ?? [], this.project.env);
    });
  }

  /** Removes what nothing needs any more. From here on, nothing is undone. */
  async #removeOld(plans: readonly ServicePlan[]): Promise<void> {
    this.undo.length = 0;
    const volumes = this.request.renewsVolumes ?? false;
    const old = this.report.isDry ? [] : this.#old;
    const tooMany = plans.flatMap(({ remove: more }) => more);
    await Promise.all(
      old.map(async ({ id }) => {
        await remove(id, { force: true, volumes });
        faultPoint('old container removed');
      }),
    );
    await Promise.all(tooMany.map((one) => this.#removeContainer(one, true)));
  }
}

/** Whether a container has been stopped, and will be removed when everything has started. */
function isTooMany({ remove: tooMany }: ServicePlan, id: string): boolean {
  return tooMany.some((one) => one.id === id);
}
