import type { MountFlag, RunFlags } from '../spec/parse/run-request.js';
import type { HealthCheck, Hooks } from '../spec/request.js';
import { environmentOf, type Origins } from './environment.js';
import { expand } from './expand.js';
import { hooksOf } from './hooks.js';
import { LABEL } from './labels.js';
import type { Container, Quantities } from './model.js';
import type { Place } from './place.js';
import { containerName, type PlacedContainer, type PodPlan, restartText } from './pod-plan.js';
import { protocolOf } from './ports.js';
import { checksOfProbes } from './probes.js';
import { bytesOf, quantityOf } from './quantity.js';
import { securityFlags } from './security.js';
import { type MadeVolumes, mountsOf } from './volumes.js';

/** How a container of a pod is made: the options of `foster run`. */
export interface ContainerFlags {
  /** The image. */
  root: string;
  command: string[];
  flags: RunFlags;
  mounts: MountFlag[];
  /** Health checks, first the one that others see. */
  checks: HealthCheck[];
  hooks: Hooks | undefined;
}

/** What a command says about all containers. */
export interface ContainerOptions {
  /** `KEY=VALUE` each. */
  annotations: readonly string[];
  logDriver: string | undefined;
  logOptions: readonly string[];
  hasHosts: boolean;
  quiet: boolean;
  tlsVerify: boolean;
  ignoreUnenforced: boolean;
  /** Absolute path of the folder of seccomp profiles. */
  profiles: string;
}

const PULL = { Always: 'always', IfNotPresent: 'missing', Never: 'never' } as const;

/**
 * Turns a container into options of `foster run`, which checks them.
 * @param pod the id of its pod
 * @throws FosterError that names a field
 */
export function containerFlags(
  plan: PodPlan,
  { container, place, role }: PlacedContainer,
  made: { pod: string; volumes: MadeVolumes; origins: Origins },
  options: ContainerOptions,
): ContainerFlags {
  const { spec, meta } = plan;
  const variables = environmentOf(container, place, made.origins);
  const words = (list: readonly string[]) => list.map((word) => expand(word, variables));
  const { command, args = [] } = container;
  const { terminationGracePeriodSeconds: grace } = spec;
  const flags: { [key in keyof RunFlags]: RunFlags[key] | undefined } = {
    name: containerName(plan, container),
    pod: made.pod,
    initCtr: role === 'init' ? initType(meta.annotations) : role === 'sidecar' ? 'sidecar' : undefined,
    label: pairs({ ...meta.labels, [LABEL.container]: container.name }),
    annotation: [...pairs(meta.annotations), ...options.annotations],
    env: pairs(Object.fromEntries(variables)),
    entrypoint: command && JSON.stringify(words(command)),
    workdir: container.workingDir,
    interactive: container.stdin,
    tty: container.tty,
    pull: PULL[container.imagePullPolicy ?? 'IfNotPresent'],
    quiet: options.quiet,
    tlsVerify: options.tlsVerify,
    restart: role === 'init' ? 'no' : role === 'sidecar' ? 'always' : restartText(plan.restart),
    stopTimeout: grace === undefined ? undefined : String(grace),
    stopSignal: container.lifecycle?.stopSignal,
    logDriver: options.logDriver,
    logOpt: [...options.logOptions],
    hosts: options.hasHosts,
    expose: role === 'init' || spec.hostNetwork ? undefined : exposed(container, place),
    ...securityFlags(
      container.securityContext,
      spec.securityContext,
      { own: place, ofPod: plan.place },
      options,
    ),
    ...limitFlags(container, place, options),
  };
  return {
    root: container.image,
    command: words(args),
    flags: given(flags),
    mounts: mountsOf(container, place, made.volumes),
    checks: checksOfProbes(container, place, variables, made.origins),
    hooks: hooksOf(container, place, variables),
  };
}

/** The options that were given. */
export function given(flags: { [key in keyof RunFlags]: RunFlags[key] | undefined }): RunFlags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as RunFlags;
}

/** Init containers run once, unless an annotation of Podman's says otherwise. */
function initType(annotations: Readonly<Record<string, string>> = {}): string {
  return annotations['io.podman.annotations.init.container.type'] ?? 'once';
}

export function pairs(values: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(values).map(([key, value]) => `${key}=${value}`);
}

function exposed({ ports = [] }: Container, place: Place): string[] {
  return ports.map(
    ({ containerPort, protocol }, index) =>
      `${containerPort}/${protocolOf(protocol, place.below('ports', index))}`,
  );
}

/** The least that the kernel takes. */
const FEWEST_SHARES = 2;

function limitFlags(
  { resources: { limits = {}, requests = {} } = {} }: Container,
  place: Place,
  { ignoreUnenforced }: ContainerOptions,
): RunFlags {
  const at = (which: string, name: string) => place.below('resources', which, name);
  const memory = (values: Quantities, which: string) =>
    values.memory === undefined ? undefined : String(bytesOf(values.memory, at(which, 'memory')));
  const cpu = (values: Quantities, which: string) =>
    values.cpu === undefined ? undefined : quantityOf(values.cpu, at(which, 'cpu'));
  const [most, wanted] = [cpu(limits, 'limits'), cpu(requests, 'requests')];
  const hasLimits = Object.keys(limits).length > 0;
  return given({
    memory: memory(limits, 'limits'),
    memoryReservation: memory(requests, 'requests'),
    cpus: most === undefined ? undefined : String(Number(most.toFixed(3))),
    cpuShares: wanted === undefined ? undefined : String(Math.max(FEWEST_SHARES, Math.round(wanted * 1024))),
    // a request is a wish: what cannot be enforced is no failure
    ignoreUnenforcedLimits: ignoreUnenforced || (!hasLimits && Object.keys(requests).length > 0) || undefined,
  });
}

/** The fields that become these options, for errors. */
export function fieldOfFlag(flag: string): string[] {
  return [...(FIELDS[flag] ?? [])];
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  '--annotation': ['annotations'],
  '--cap-add': ['securityContext', 'capabilities', 'add'],
  '--cap-drop': ['securityContext', 'capabilities', 'drop'],
  '--cpu-shares': ['resources', 'requests', 'cpu'],
  '--cpus': ['resources', 'limits', 'cpu'],
  '--memory': ['resources', 'limits', 'memory'],
  '--memory-reservation': ['resources', 'requests', 'memory'],
  '--mount': ['volumeMounts'],
  '--name': ['name'],
  '--security-opt': ['securityContext'],
  '--stop-signal': ['lifecycle', 'stopSignal'],
  '--workdir': ['workingDir'],
};
