import { quoted } from '../spec/parse/flag.js';
import { withClaims } from './claims.js';
import { completionsOf, indexed, inLanes, restartOfJob } from './jobs.js';
import type { Controller, Meta, PodSpec, Service, ServicePort } from './model.js';
import type { KubeObject, Place } from './place.js';
import { containersOf, type PodPlan, restartOf } from './pod-plan.js';
import { portIn, protocolOf } from './ports.js';

/** A host runs no more pods than this of one object. */
const MOST_REPLICAS = 100;

/** The pods that the objects of a file make, with the names and ports of services. @throws FosterError that names the field */
export function podsOf(objects: readonly KubeObject[]): PodPlan[] {
  const plans = objects.flatMap(plansOf);
  const names = new Map<string, PodPlan>();
  for (const plan of plans) {
    const { name } = plan.meta;
    const other = names.get(name);
    if (other !== undefined)
      throw plan.place.error(`there is another pod ${name} in the file`, `see ${other.place.text}`);
    names.set(name, plan);
    checkContainers(plan);
  }
  for (const { kind, tree, place } of objects)
    if (kind === 'Service') addService(tree as unknown as Service, place, plans);
  return plans;
}

/**
 * Names that pods of the objects have, also where their fields are wrong: then it is not known how many there are.
 * @param exists whether there is a pod of the name
 */
export function podNamesOf(objects: readonly KubeObject[], exists: (name: string) => boolean): string[] {
  return objects.flatMap(({ kind, name, tree, isWrong }) => {
    if (kind === 'Pod') return [name];
    if (!CONTROLLERS.includes(kind)) return [];
    const count = isWrong ? 0 : podCount(kind, tree as unknown as Controller);
    const names = Array.from({ length: MOST_REPLICAS }, (_, index) => podName(name, index));
    return names.filter((one, index) => index < count || (isWrong && exists(one)));
  });
}

const CONTROLLERS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'];

function podCount(kind: string, { spec }: Controller): number {
  return kind === 'Job' ? completionsOf(spec) : (spec.replicas ?? 1);
}

function plansOf({ kind, tree, place, name }: KubeObject): PodPlan[] {
  const at = place.below('spec');
  if (kind === 'Pod') {
    const { metadata, spec } = tree as unknown as { metadata: Meta; spec: PodSpec };
    return [{ meta: metadata, spec, place: at, restart: restartOf(spec), aliases: [], ports: [] }];
  }
  if (!CONTROLLERS.includes(kind)) return [];
  const { metadata, spec } = tree as unknown as Controller;
  const { template, volumeClaimTemplates = [] } = spec;
  const isJob = kind === 'Job';
  const count = podCount(kind, tree as unknown as Controller);
  if (count > MOST_REPLICAS)
    throw at
      .below(isJob ? 'completions' : 'replicas')
      .error(`foster makes at most ${MOST_REPLICAS} pods of a ${kind}`);
  const inside = at.below('template', 'spec');
  checkPolicy(kind, template.spec, inside);
  const plans = Array.from({ length: count }, (_, index): PodPlan => {
    const plan: PodPlan = {
      meta: { ...metadata, ...template.metadata, name: podName(name, index) },
      spec: withClaims(template.spec, volumeClaimTemplates, name, index),
      place: inside,
      restart: isJob ? restartOfJob(spec) : restartOf(template.spec),
      // all pods of one object are found by its name
      aliases: [name],
      ports: [],
    };
    return spec.completionMode === 'Indexed' ? indexed(plan, name, index) : plan;
  });
  return isJob ? inLanes(plans, spec) : plans;
}

/** As in Podman: the first is NAME-pod. */
function podName(name: string, index: number): string {
  return index === 0 ? `${name}-pod` : `${name}-pod-${index}`;
}

/** As in Kubernetes. @throws FosterError */
function checkPolicy(kind: string, { restartPolicy }: PodSpec, place: Place): void {
  const at = place.below('restartPolicy');
  if (kind === 'Job') {
    if (restartPolicy === undefined || restartPolicy === 'Always')
      throw at.error('a Job needs OnFailure or Never');
  } else if (restartPolicy !== undefined && restartPolicy !== 'Always')
    throw at.error(`expected Always in a ${kind}, got ${restartPolicy}`);
}

/** @throws FosterError for two containers with one name, and a volume in memory that several containers mount */
function checkContainers(plan: PodPlan): void {
  const names = new Set<string>();
  const users = new Map<string, number>();
  for (const { container, place, role } of containersOf(plan)) {
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(container.name))
      throw place.below('name').error(`${quoted(container.name)} is not a name of a container`);
    if (names.has(container.name))
      throw place.below('name').error(`there are two containers ${container.name}`);
    names.add(container.name);
    if (container.restartPolicy !== undefined && role !== 'sidecar')
      throw place
        .below('restartPolicy')
        .refusal('containers have the restartPolicy of their pod', 'only an init container has its own');
    for (const name of new Set((container.volumeMounts ?? []).map((mount) => mount.name)))
      users.set(name, (users.get(name) ?? 0) + 1);
  }
  for (const [index, { name, emptyDir }] of (plan.spec.volumes ?? []).entries())
    if (emptyDir?.medium === 'Memory' && (users.get(name) ?? 0) > 1)
      throw plan.place
        .below('volumes', index, 'emptyDir', 'medium')
        .refusal(
          'several containers mount it, and memory belongs to one container',
          'leave out medium: the files are then on the disk',
        );
}

/** A service is a name of its pods in their network; its ports are theirs. @throws FosterError */
function addService({ metadata, spec }: Service, place: Place, plans: readonly PodPlan[]): void {
  const { selector = {}, ports = [], type } = spec;
  const at = place.below('spec');
  const wanted = Object.entries(selector);
  const chosen =
    wanted.length === 0
      ? []
      : plans.filter(({ meta }) => wanted.every(([key, value]) => meta.labels?.[key] === value));
  if (chosen.length === 0)
    throw at.below('selector').error('it selects no pod of the file', 'a service leads to pods of its file');
  for (const [index, port] of ports.entries())
    for (const plan of chosen) addPort(plan, port, at.below('ports', index), type, chosen.length);
  for (const plan of chosen) plan.aliases.push(metadata.name);
}

function addPort(
  plan: PodPlan,
  { port, targetPort, nodePort, protocol }: ServicePort,
  at: Place,
  type: string | undefined,
  pods: number,
): void {
  const kind = protocolOf(protocol, at);
  const target = targetPort === undefined ? port : portNumber(targetPort, plan, at.below('targetPort'));
  if (target !== port && type !== 'NodePort')
    throw at
      .below('targetPort')
      .refusal(
        'a service is a name of its pods, which have their own ports',
        `use the port ${target} also in the service, and where it is called`,
      );
  if (type !== 'NodePort' || nodePort === undefined) return;
  if (pods > 1) throw at.below('nodePort').refusal('only one pod can have a port of the host', 'use one pod');
  plan.ports.push(`${nodePort}:${target}/${kind}`);
}

/** The number of a port that may be given by its name in a pod. @throws FosterError */
export function portNumber(port: number | string, plan: PodPlan, place: Place): number {
  const own = containersOf(plan).flatMap(({ container }) => container.ports ?? []);
  return portIn(port, own, place);
}
