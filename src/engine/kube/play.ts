import { claimsOf } from '../../kube/claims.js';
import { Contents } from '../../kube/contents.js';
import type { KubeObject } from '../../kube/place.js';
import { containersOf, type PodPlan } from '../../kube/pod-plan.js';
import { podsOf } from '../../kube/workloads.js';
import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import { interrupted } from '../../sys/interruption.js';
import { surroundings } from '../../sys/surroundings.js';
import { create as createContainer } from '../containers.js';
import * as networks from '../networks.js';
import * as pods from '../pods.js';
import { remove as removeVolume } from '../volumes.js';
import { makeClaims } from './claims.js';
import { downObjects, podNamed } from './down.js';
import { readFile } from './input.js';
import type { PlayedPod, PlayReport, PlayRequest } from './options.js';
import { makeVolumes, removeVolumesOf } from './pod-volumes.js';
import { checkRequests, PodRequests } from './requests.js';

/** Where pods find each other by name. The default network has no names. */
const NETWORK = 'foster-kube';

/** The file of a command, read and checked. */
export interface Checked {
  objects: KubeObject[];
  /** Names of the volumes of claims. */
  volumes: string[];
  pods: PodRequests[];
}

/**
 * Reads a file and checks everything in it, without making anything.
 * @throws FosterError that says where something is wrong
 */
export async function check(file: string, request: PlayRequest = {}): Promise<Checked> {
  const strict = request.strict ?? true;
  const objects = await readFile(file, { strict });
  const others = [];
  for (const path of request.configMaps ?? []) others.push(...(await readFile(path, { strict })));
  const contents = new Contents([...others, ...objects]);
  const plans = podsOf(objects);
  const volumes = claimsOf(objects).map(({ name }) => name);
  if (plans.length === 0 && volumes.length === 0)
    throw new FosterError(`${file} has no pods`, {
      kind: 'invalid',
      exitCode: 1,
      advice: 'ConfigMaps, Secrets and Services are for pods of the same file',
    });
  const usual = usualNetworks();
  const all = plans.map((plan, index) => new PodRequests(plan, request, contents, usual, index));
  checkRequests(all);
  return { objects, volumes, pods: all };
}

function usualNetworks(): string[] | undefined {
  const { FOSTER_NETWORK: chosen } = surroundings().env;
  return chosen === undefined || chosen === '' || chosen === 'bridge' ? [NETWORK] : undefined;
}

/**
 * Makes what a file describes, and starts its pods. If that fails, what was made is removed; a container that does not become ready
 * stays.
 * @param file a path, `-` for standard input, or an address
 * @throws FosterError
 */
export async function play(file: string, request: PlayRequest = {}): Promise<PlayReport> {
  const checked = await check(file, request);
  const plans = checked.pods.map(({ plan }) => plan);
  const names = plans.map(({ meta }) => meta.name);
  const replaced = request.replace ? await downObjects(checked.objects, names, { force: false }) : undefined;
  for (const plan of plans) await checkFree(plan);
  // what a command that was killed has left
  await removeVolumesOf(new Set(names));
  const making = new Making(request);
  const takeBack = surroundings().onInterrupt(() => making.undo(), { last: true });
  let report: PlayReport;
  try {
    report = { ...(await making.run(checked)), ...(replaced && { replaced }) };
  } catch (error) {
    await making.undo();
    throw error;
  } finally {
    takeBack();
  }
  // what fails from now on stays, so that it can be looked at
  if (request.ready && (request.start ?? true)) await (await import('./ready.js')).untilReady(report);
  return report;
}

/** @throws FosterError if there is a pod of the name */
async function checkFree({ meta: { name }, place }: PodPlan): Promise<void> {
  if ((await podNamed(name)) === undefined) return;
  throw new FosterError(`${place.text}: there is a pod ${name} already`, {
    kind: 'conflict',
    exitCode: 1,
    advice: 'remove it first: foster kube down FILE, or add --replace',
  });
}

class Making {
  readonly #undo: (() => Promise<unknown>)[] = [];
  #undone: Promise<void> | undefined;

  constructor(readonly request: PlayRequest) {}

  async run({ objects, pods: all }: Checked): Promise<PlayReport> {
    if (all.some((one) => one.pod().infra.networks.some(({ name }) => name === NETWORK)))
      await networks.create({ name: NETWORK, ignore: true });
    faultPoint('network of pods created');
    const fresh = new Set<string>();
    const volumes = await makeClaims(objects, async (name) => {
      fresh.add(name);
      await this.#made(() => removeVolume(name));
    });
    const played: PlayedPod[] = [];
    for (const requests of all) {
      const first = played.find(({ name }) => name === requests.plan.job)?.id;
      played.push(await this.#makePod(requests, fresh, first));
    }
    // the monitors of those before start the others
    const ahead = played.filter(({ after }) => after === undefined);
    if (this.request.start ?? true) for (const pod of ahead) await this.#start(pod);
    return { volumes, pods: played };
  }

  /** @param first the id of the first pod of its Job */
  async #makePod(
    requests: PodRequests,
    freshClaims: ReadonlySet<string>,
    first: string | undefined,
  ): Promise<PlayedPod> {
    const { plan } = requests;
    const { name } = plan.meta;
    const id = await pods.create(requests.pod(first));
    await this.#made(() => pods.remove(id, { force: true, timeout: 0 }));
    faultPoint('pod created');
    // the same as before, but now the pod has an id
    const plans = requests.volumes(id);
    const names = await makeVolumes(plan, plans, freshClaims, (volume) =>
      this.#made(() => removeVolume(volume), { isLast: true }),
    );
    const containers: string[] = [];
    for (const placed of containersOf(plan)) {
      const request = requests.container(placed, id, { plans, names });
      const container = await createContainer(request);
      if (placed.role === 'main') containers.push(container);
      faultPoint('container of the pod created');
      await surroundings().stopIfInterrupted();
    }
    return { id, name, containers, ...(plan.after !== undefined && { after: plan.after }) };
  }

  async #start({ id }: PlayedPod): Promise<void> {
    const [failure] = await pods.start(id);
    if (failure !== undefined) throw failure;
    faultPoint('pod started');
    await surroundings().stopIfInterrupted();
  }

  /**
   * Notes how something that was just made is removed again.
   * @param options.isLast when everything else is removed
   * @throws FosterError if all was removed meanwhile, because of an interrupt
   */
  async #made(remove: () => Promise<unknown>, { isLast = false } = {}): Promise<void> {
    if (isLast) this.#undo.unshift(remove);
    else this.#undo.push(remove);
    if (this.#undone === undefined) return;
    await this.#undone;
    await this.#removeAll();
    throw interrupted();
  }

  /** Removes what was made, the pods first. What cannot be removed is a warning. */
  undo(): Promise<void> {
    this.#undone ??= this.#removeAll();
    return this.#undone;
  }

  async #removeAll(): Promise<void> {
    for (const act of this.#undo.splice(0).reverse()) {
      try {
        await act();
      } catch (error) {
        const isGone = error instanceof FosterError && error.kind === 'not-found';
        if (!isGone) surroundings().warn(error instanceof FosterError ? error.sentence : String(error));
      }
    }
  }
}
