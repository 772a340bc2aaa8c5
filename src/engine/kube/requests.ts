import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type ContainerOptions, containerFlags, fieldOfFlag } from '../../kube/container-flags.js';
import type { Contents } from '../../kube/contents.js';
import type { Origins } from '../../kube/environment.js';
import { fieldOfPodFlag, type PodOptions, podFlags } from '../../kube/pod-flags.js';
import { containersOf, type PlacedContainer, type PodPlan } from '../../kube/pod-plan.js';
import { type MadeVolumes, planVolume, type VolumePlan } from '../../kube/volumes.js';
import { type PodRequest, toPodRequest } from '../../spec/parse/pod-request.js';
import { type RunContext, toRequest } from '../../spec/parse/run-request.js';
import type { RunRequest } from '../../spec/request.js';
import type { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';
import { checkHostPaths } from './host-paths.js';
import type { PlayRequest } from './options.js';

function callerContext(): RunContext {
  return {
    cwd: process.cwd(),
    env: surroundings().env,
    exists: existsSync,
    readText: (path) => readFileSync(path, 'utf8'),
  };
}

/** Where Podman's are, too. */
const PROFILES = '/var/lib/kubelet/seccomp';

/** The requests for a pod and its containers. */
export class PodRequests {
  readonly #context = callerContext();

  /** @param networks those that it gets if neither the command nor the file says anything */
  constructor(
    readonly plan: PodPlan,
    readonly request: PlayRequest,
    readonly contents: Contents,
    readonly networks: readonly string[] | undefined,
    readonly index: number,
  ) {}

  /** @param first the id of the first pod of its Job, if that exists already. @throws FosterError that names a field */
  pod(first?: string): PodRequest {
    const { request, plan } = this;
    const options: PodOptions = {
      networks: request.networks ?? this.networks,
      publish: request.publish ?? [],
      publishAll: request.publishAll ?? false,
      userns: request.userns,
      hasHosts: request.hosts ?? true,
      ip: request.ips?.[this.index],
      mac: request.macs?.[this.index],
    };
    return plan.place.explained(
      () => ({
        ...toPodRequest(undefined, podFlags(plan, options), [], this.#context),
        ...(plan.next !== undefined && { next: plan.next }),
        ...(plan.job !== undefined && { job: { first } }),
      }),
      fieldOfPodFlag,
    );
  }

  /** What the volumes of the pod become. @throws FosterError that names a field */
  volumes(pod: string): Map<string, VolumePlan> {
    const { volumes = [] } = this.plan.spec;
    const plans = new Map<string, VolumePlan>();
    for (const [index, volume] of volumes.entries()) {
      const place = this.plan.place.below('volumes', index);
      if (plans.has(volume.name)) throw place.below('name').error(`there are two volumes ${volume.name}`);
      plans.set(volume.name, planVolume(volume, place, this.#origins(pod)));
    }
    return plans;
  }

  /**
   * @param pod the id of the pod
   * @param context how it sees the host
   * @throws FosterError that names a field
   */
  container(
    placed: PlacedContainer,
    pod: string,
    volumes: MadeVolumes,
    context: RunContext = this.#context,
  ): RunRequest {
    const { place } = placed;
    return place.explained(() => {
      const origins = this.#origins(pod);
      const { root, command, flags, mounts, checks, hooks } = containerFlags(
        this.plan,
        placed,
        { pod, volumes, origins },
        this.#containerOptions(),
      );
      const request = toRequest(root, command, flags, mounts, context);
      const [health = request.health, ...probes] = checks;
      return {
        ...request,
        health,
        ...(probes.length > 0 && { probes }),
        ...(hooks && { hooks }),
        mounts: request.mounts.map((mount) => asBorrowed(mount, volumes)),
      };
    }, fieldOfFlag);
  }

  #containerOptions(): ContainerOptions {
    const { request } = this;
    return {
      annotations: request.annotations ?? [],
      logDriver: request.logDriver,
      logOptions: request.logOptions ?? [],
      hasHosts: request.hosts ?? true,
      quiet: request.quiet ?? false,
      tlsVerify: request.tlsVerify ?? true,
      ignoreUnenforced: request.ignoreUnenforced ?? false,
      profiles: request.profiles ?? PROFILES,
    };
  }

  #origins(uid: string): Origins {
    const { meta, spec } = this.plan;
    const { warn } = surroundings();
    return {
      contents: this.contents,
      facts: {
        meta,
        uid,
        node: hostname(),
        containers: containersOf({ ...this.plan, spec }).map(({ container }) => container),
      },
      warn,
      leaveOut: (error: FosterError) => {
        if (this.request.strict ?? true) throw error;
        warn(`${error.message}; it is left out`);
      },
    };
  }
}

/** A volume that goes with its pod is kept from going with one of its containers. */
function asBorrowed(
  mount: RunRequest['mounts'][number],
  { names }: MadeVolumes,
): RunRequest['mounts'][number] {
  const isMade = mount.type === 'volume' && [...names.values()].includes(mount.source);
  return isMade ? { ...mount, isBorrowed: true } : mount;
}

/** Checks all requests of pods without making anything. @throws FosterError that names a field */
export function checkRequests(all: readonly PodRequests[]): void {
  // directories may be made
  const context: RunContext = { ...callerContext(), exists: () => true };
  for (const requests of all) {
    requests.pod();
    const plans = requests.volumes(NO_ID);
    checkHostPaths(requests.plan, plans);
    const names = new Map([...plans.keys()].map((name) => [name, NO_ID]));
    for (const placed of containersOf(requests.plan))
      requests.container(placed, NO_ID, { plans, names }, context);
  }
}

/** In place of an id that is not known yet. */
const NO_ID = '0'.repeat(64);
