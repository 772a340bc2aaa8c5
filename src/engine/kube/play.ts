import { Contents } from '../../kube/contents.js';
import type { KubeObject } from '../../kube/place.js';
import { containersOf, type PodPlan } from '../../kube/pod-plan.js';
import { podsOf } from '../../kube/workloads.js';
import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
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
  const hasClaims = objects.some(({ kind }) => kind === 'PersistentVolumeClaim');
  if (plans.length === 0 && !hasClaims)
    throw new FosterError(`${file} has no pods`, {
      kind: 'invalid',
      exitCode: 1,
      advice: 'ConfigMaps, Secrets and Services are for pods of the same file',
    });
  const usual = usualNetworks();
  const all = plans.map((plan, index) => new PodRequests(plan, request, contents, usual, index));
  checkRequests(all);
  return { objects, pods: all };
}

function usualNetworks(): string[] | undefined {
  const { FOSTER_NETWORK: chosen } = surroundings().env;
  return chosen === undefined || chosen === '' || chosen === 'bridge' ? [NETWORK] : undefined;
}

/**
 * Makes what a file describes, and starts its pods. If that fails, what was made is removed.
 * @param file a path, `-` for standard input, or an address
 * @throws FosterError
 */
export async function play(file: string, request: PlayRequest = {}): Promise<PlayReport> {
  const checked = await check(file, request);
  const plans = checked.pods.map(({ plan }) => plan);
  const replaced = request.replace ? await downObjects(checked.objects, plans, { force: false }) : undefined;
  for (const plan of plans) await checkFree(plan);
  // what a command that was killed has left
  await removeVolumesOf(new Set(plans.map(({ meta }) => meta.name)));
  const making = new Making(request);
  try {
    return { ...(await making.run(checked)), ...(replaced && { replaced }) };
  } catch (error) {
    await making.undo();
    throw error;
  }
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

  constructor(readonly request: PlayRequest) {}

  async run({ objects, pods: all }: Checked): Promise<PlayReport> {
    if (all.some((one) => one.pod().infra.networks.some(({ name }) => name === NETWORK)))
      await networks.create({ name: NETWORK, ignore: true });
    faultPoint('network of pods created');
    const volumes = await makeClaims(objects, (name) => this.#undo.push(() => removeVolume(name)));
    const played: PlayedPod[] = [];
    for (const requests of all) played.push(await this.#makePod(requests));
    if (this.request.start ?? true) for (const pod of played) await this.#start(pod);
    return { volumes, pods: played };
  }

  async #makePod(requests: PodRequests): Promise<PlayedPod> {
    const { plan } = requests;
    const { name } = plan.meta;
    const id = await pods.create(requests.pod());
    this.#undo.push(() => pods.remove(id, { force: true, timeout: 0 }));
    faultPoint('pod created');
    // the same as before, but now the pod has an id
    const plans = requests.volumes(id);
    const names = await makeVolumes(plan, plans, (volume) => this.#undo.unshift(() => removeVolume(volume)));
    const containers: string[] = [];
    for (const placed of containersOf(plan)) {
      const request = requests.container(placed, id, { plans, names });
      const container = await createContainer(request);
      if (!placed.isInit) containers.push(container);
      faultPoint('container of the pod created');
    }
    return { id, name, containers };
  }

  async #start({ id }: PlayedPod): Promise<void> {
    const [failure] = await pods.start(id);
    if (failure !== undefined) throw failure;
    faultPoint('pod started');
  }

  /** Removes what was made, the pods first. What cannot be removed is a warning. */
  async undo(): Promise<void> {
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
