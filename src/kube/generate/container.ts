import { posix } from 'node:path';
import type { ContainerRecord } from '../../container/record.js';
import { requestedMounts } from '../../container/requested-mounts.js';
import { signalName } from '../../spec/parse/signals.js';
import { parseSize } from '../../spec/parse/sizes.js';
import type { Mount } from '../../spec/types.js';
import type { VolumeRecord } from '../../volume/record.js';
import { LABEL } from '../labels.js';
import type { Container, ContainerSecurity, EnvVar, Volume, VolumeMount } from '../model.js';
import { handlerFields, probeFields } from './probe.js';

/** What is known of a container beside its record. */
export interface Known {
  /** The variables that its image sets. */
  imageEnv: readonly string[];
  volumeOf: (name: string) => VolumeRecord | undefined;
  /** Called with what a file of Kubernetes cannot say. */
  warn: (sentence: string) => void;
}

/** The volumes of a pod that are found so far, by what they are. */
export type Volumes = Map<string, Volume>;

/** The container of a pod that is like an existing one. @param volumes receives those that it mounts */
export function containerOf(
  record: ContainerRecord,
  name: string,
  volumes: Volumes,
  known: Known,
): Container {
  const { asked, spec, ports = [] } = record;
  const entrypoint = asked?.entrypoint;
  // an entrypoint of one's own has no arguments of the image
  const args = asked?.cmd ?? (entrypoint === undefined ? record.command : []);
  const env = environmentOf(record, known.imageEnv);
  const mounts = requestedMounts(record).map((mount) => volumeMount(record, mount, volumes, known));
  const { resources } = limitsOf(record);
  const security = securityOf(record, known);
  const lifecycle = lifecycleOf(record);
  return {
    name,
    image: record.image?.name ?? record.root,
    ...(entrypoint && entrypoint.length > 0 && { command: entrypoint.map(escaped) }),
    ...(args.length > 0 && { args: args.map(escaped) }),
    ...(spec.process.cwd !== '/' && { workingDir: spec.process.cwd }),
    ...(env.length > 0 && { env }),
    ...(ports.length > 0 && { ports: ports.map(portOf) }),
    ...(record.interactive && { stdin: true }),
    ...(spec.process.terminal && { tty: true }),
    ...(resources && { resources }),
    ...(Object.keys(security).length > 0 && { securityContext: security }),
    ...(Object.keys(lifecycle).length > 0 && { lifecycle }),
    ...(record.initContainer === 'sidecar' && { restartPolicy: 'Always' as const }),
    ...(record.health && probeFields([record.health, ...(record.probes ?? [])], escaped)),
    ...(mounts.length > 0 && { volumeMounts: mounts }),
  };
}

function lifecycleOf({
  stopSignal,
  postStart,
  preStop,
}: ContainerRecord): NonNullable<Container['lifecycle']> {
  const signal = signalName(stopSignal);
  return {
    ...(signal !== 'SIGTERM' && { stopSignal: signal }),
    ...(postStart && { postStart: handlerFields(postStart, escaped) }),
    ...(preStop && { preStop: handlerFields(preStop, escaped) }),
  };
}

/** So that it stays the same where `$(NAME)` is replaced. */
function escaped(text: string): string {
  return /\$[$(]/.test(text) ? text.replaceAll('$', '$$$$') : text;
}

function portOf(port: string) {
  const [number = '', protocol = 'tcp'] = port.split('/');
  return { containerPort: Number(number), ...(protocol !== 'tcp' && { protocol: protocol.toUpperCase() }) };
}

/** Those that foster sets itself. */
const OWN =
  /^(HOSTNAME|HOME|container|TERM)=|^PATH=\/usr\/local\/sbin:\/usr\/local\/bin:\/usr\/sbin:\/usr\/bin:\/sbin:\/bin$/;

function environmentOf({ spec }: ContainerRecord, imageEnv: readonly string[]): EnvVar[] {
  const own = spec.process.env.filter((one) => !imageEnv.includes(one) && !OWN.test(one));
  return own.map((one) => {
    const at = one.indexOf('=');
    return { name: one.slice(0, at), value: escaped(one.slice(at + 1)) };
  });
}

function limitsOf({ spec, limits }: ContainerRecord): Pick<Container, 'resources'> {
  const { memory, cpu } = spec.linux.resources ?? {};
  const cpus = limits?.cpus;
  const most = {
    ...(cpus !== undefined && { cpu: `${Math.round(cpus * 1000)}m` }),
    ...(memory?.limit !== undefined && memory.limit > 0 && { memory: String(memory.limit) }),
  };
  const wanted = {
    ...(cpu?.shares !== undefined && { cpu: `${Math.round((cpu.shares * 1000) / 1024)}m` }),
    ...(memory?.reservation !== undefined && { memory: String(memory.reservation) }),
  };
  const resources = {
    ...(Object.keys(most).length > 0 && { limits: most }),
    ...(Object.keys(wanted).length > 0 && { requests: wanted }),
  };
  return Object.keys(resources).length > 0 ? { resources } : {};
}

function securityOf(record: ContainerRecord, { warn }: Known): ContainerSecurity {
  const { asked, spec } = record;
  const { uid, gid } = spec.process.user;
  const { capAdd = [], capDrop = [], securityOpt = [], user = '', privileged = false } = asked ?? {};
  const capabilities = {
    ...(capAdd.length > 0 && { add: capAdd }),
    ...(capDrop.length > 0 && { drop: capDrop }),
  };
  return {
    ...(user !== '' && { runAsUser: uid, runAsGroup: gid }),
    ...(privileged && { privileged: true }),
    ...(spec.root.readonly && { readOnlyRootFilesystem: true }),
    ...(Object.keys(capabilities).length > 0 && { capabilities }),
    ...Object.assign({}, ...securityOpt.map((option) => securityOption(option, record.name, warn))),
  };
}

function securityOption(option: string, name: string, warn: Known['warn']): ContainerSecurity {
  const [, key = '', value = ''] = /^([^=:]*)(?:[=:](.*))?$/s.exec(option) ?? [];
  if (key === 'no-new-privileges') return { allowPrivilegeEscalation: value === 'false' };
  if (option === 'seccomp=unconfined') return { seccompProfile: { type: 'Unconfined' } };
  if (option === 'unmask=ALL') return { procMount: 'Unmasked' };
  if (key === 'label' && value.includes(':')) {
    const [field = '', ...rest] = value.split(':');
    return { seLinuxOptions: { [field]: rest.join(':') } };
  }
  if (key !== 'apparmor' && key !== 'label')
    warn(`a file of Kubernetes cannot say --security-opt ${option}, which container ${name} has`);
  return {};
}

function volumeMount(record: ContainerRecord, mount: Mount, volumes: Volumes, known: Known): VolumeMount {
  const { destination, options } = mount;
  const use = record.volumes?.find((one) => one.destination === destination);
  const name = addVolume(volumes, sourceOf(mount, use?.name, known));
  return {
    name,
    mountPath: destination,
    ...(use?.subpath !== undefined && { subPath: use.subpath }),
    ...(options.includes('ro') && { readOnly: true }),
    ...(use === undefined && options.includes('rslave') && { mountPropagation: 'HostToContainer' as const }),
    ...(use === undefined && options.includes('rshared') && { mountPropagation: 'Bidirectional' as const }),
  };
}

/** A volume without its name, and what its name is made from. */
function sourceOf({ type, source, destination, options }: Mount, volume: string | undefined, known: Known) {
  if (volume !== undefined) {
    const record = known.volumeOf(volume);
    if (record?.labels[LABEL.files] !== undefined)
      known.warn(
        `volume ${volume} has the files of a ConfigMap, a Secret or a projected volume: they are not in the file`,
      );
    const fields: Omit<Volume, 'name'> = record?.isAnonymous
      ? { emptyDir: {} }
      : { persistentVolumeClaim: { claimName: volume } };
    return { key: volume, label: record?.isAnonymous ? destination : volume, fields };
  }
  if (type === 'tmpfs') {
    const size = sizeOf(options.find((option) => option.startsWith('size='))?.slice('size='.length));
    const fields: Omit<Volume, 'name'> = { emptyDir: { medium: 'Memory', ...(size && { sizeLimit: size }) } };
    return { key: `tmpfs ${destination}`, label: destination, fields };
  }
  return { key: source, label: destination, fields: { hostPath: { path: posix.normalize(source) } } };
}

/** Bytes: the units of Kubernetes are others. A share of the memory is no size. */
function sizeOf(size: string | undefined): string | undefined {
  return size === undefined || size.endsWith('%') ? undefined : String(parseSize('size', size));
}

function addVolume(volumes: Volumes, { key, label, fields }: ReturnType<typeof sourceOf>): string {
  const known = volumes.get(key);
  if (known !== undefined) return known.name;
  const base = dnsName(label) || 'volume';
  const names = new Set([...volumes.values()].map(({ name }) => name));
  let name = base;
  for (let number = 1; names.has(name); number++) name = `${base}-${number}`;
  volumes.set(key, { name, ...fields });
  return name;
}

/** A name as Kubernetes has them, made of another one. */
export function dnsName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
}
