import { existsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { prepareRoot } from '../image/rootfs/root.js';
import type { RootTree } from '../image/rootfs/root-tree.js';
import { requestedDriver, storageDriver } from '../image/rootfs/storage.js';
import { RootFiles } from '../layers/root-files.js';
import { type ChosenMaps, foreignRoot } from '../spec/choose-id-maps.js';
import { buildSpec, commandOf, hostnameOf, withImageVolumes } from '../spec/from-request.js';
import { type IdMapping, isHostIdMapped, isIdMapped } from '../spec/id-maps.js';
import { addRangesCommand } from '../spec/id-ranges.js';
import type { ImageDefaults } from '../spec/image-defaults.js';
import { imageVolumes } from '../spec/image-volumes.js';
import { randomId } from '../spec/names.js';
import { healthOf } from '../spec/parse/health.js';
import { parseSignal } from '../spec/parse/signals.js';
import type { RequestedMount, RunRequest } from '../spec/request.js';
import { requestedIdMaps } from '../spec/requested-id-maps.js';
import type { StorageDriver } from '../spec/storage-driver.js';
import type { Spec } from '../spec/types.js';
import { type ResolvedUser, resolveGroups, resolveUser } from '../spec/users.js';
import { callerHome, callerName } from '../sys/caller-name.js';
import { ownCapabilities } from '../sys/capabilities.js';
import { EXIT, FosterError } from '../sys/errors.js';
import { surroundings } from '../sys/surroundings.js';
import { blockDevices } from './block-devices.js';
import { recordImageEvent } from './events/recorder.js';
import type { Asked, ContainerRecord, VolumeUse } from './record.js';
import { mapsOf } from './remove.js';
import { readProfile } from './seccomp-profile.js';
import { findInfra, joinTarget, networkTarget } from './shared-namespaces.js';
import type { Container } from './store.js';

/** The record of a container that does not exist yet. */
export type Draft = Omit<ContainerRecord, 'name'>;

/**
 * Drafts the container for a request. Its root filesystem is unpacked or built if necessary.
 * @throws FosterError
 */
export async function draftContainer(asked: RunRequest): Promise<Draft> {
  const wanted = await withBorrowedMounts(asked);
  const joined =
    wanted.pid.kind === 'container' ? joinTarget(wanted.pid.reference, { exitCode: EXIT.FOSTER }) : undefined;
  const { networkContainer } = wanted;
  const shared =
    networkContainer === undefined ? undefined : networkTarget(networkContainer, { exitCode: EXIT.FOSTER });
  const infra = infraOf(wanted);
  const owner = await ownerOfNetwork(wanted, joined);
  const own = withoutUserNamespace(wanted, joined ?? infra) ? inHostsUserNamespace(wanted) : wanted;
  // as in Docker: the host name belongs to the address, which is the other container's
  const request = shared === undefined ? own : { ...own, hostname: shared.record.network.hostname };
  const other = joined ?? shared ?? infra;
  const maps =
    owner ?? (other === undefined ? requestedIdMaps(request, uid(), gid()) : mapsOfJoined(other.record));
  if (maps.isSingle && owner === undefined) surroundings().warn(singleIdWarning());
  const { maxUnpackedSize } = request;
  const tree = await prepareRoot(request.root, {
    maps,
    pull: request.pull,
    platform: request.platform,
    isQuiet: request.quiet,
    access: { tlsVerify: request.tlsVerify },
    ...(maxUnpackedSize !== undefined && { maxUnpackedSize }),
  });
  if (request.removesImage && tree.image === undefined) throw noImageToRemove(request.root);
  if (tree.isPulled && tree.image?.id !== undefined) recordImageEvent('pull', tree.image.id, tree.image.name);
  const isSeen = request.pid.kind !== 'private' || (request.membership?.types.includes('pid') ?? false);
  const usual = driverBeside(isSeen, await storageDriver(maps));
  const isRootShifted = checkOwner(tree, maps, usual);
  const id = randomId();
  const volumes = await volumesFor(request, tree.image?.defaults);
  const spec = await makeSpec(request, id, tree, maps, volumes);
  for (const place of imageVolumes(tree.image?.defaults).ignored)
    surroundings().warn(
      `the volume that the image has at ${place} is left out: it would hide what the kernel shows there`,
    );
  const draft = draftOf(request, id, spec, tree.image);
  const mayBeOthers = tree.source === 'directory' && !isRootShifted;
  const whole = {
    ...draft,
    ...(volumes.length > 0 && { volumes }),
    driver: mayBeOthers ? await driverFor(draft, maps, isSeen, usual) : usual,
    ...mapsIn(maps),
    ...(isRootShifted && { isRootShifted }),
    ...(joined && { joins: joined.record.id }),
    ...memberOf(request),
    ...(infra && sharedNetworkFiles(draft, infra)),
    ...(wanted.networkPath !== undefined && { joinsNetwork: wanted.networkPath }),
    ...(shared && {
      sharesNetwork: shared.record.id,
      network: { ...shared.record.network, ...without(draft.network) },
    }),
  };
  return await withNetworks(whole, request);
}

/** The container that holds the namespaces of the pod. @throws FosterError */
function infraOf({ membership }: RunRequest): Container | undefined {
  return membership?.infra === undefined ? undefined : findInfra(membership.infra);
}

function memberOf({ membership }: RunRequest): Partial<ContainerRecord> {
  if (membership === undefined) return {};
  const { pod, infra, types, initContainer, endsPod, job } = membership;
  return {
    pod,
    ...(infra !== undefined && { shares: { of: infra, types } }),
    ...(initContainer !== undefined && { initContainer }),
    ...(endsPod && { endsPod }),
    ...(job !== undefined && { job }),
  };
}

/** The files that belong to the network of the pod, with what only the container says about them. */
function sharedNetworkFiles(
  { network: own, spec }: Omit<Draft, keyof ReturnType<typeof mapsIn>>,
  { record: { network } }: Container,
): Partial<ContainerRecord> {
  if (own.network !== 'container') return {};
  return { network: { ...network, hostname: spec.hostname ?? network.hostname, ...without(own) } };
}

/** The id maps of the user namespace that comes with a network namespace; undefined where none does. @throws FosterError */
async function ownerOfNetwork(
  request: RunRequest,
  joined: Container | undefined,
): Promise<ChosenMaps | undefined> {
  if (request.networkPath === undefined) return undefined;
  const { mapsOfOwner } = await import('./network-namespace.js');
  return mapsOfOwner(request.networkPath, { isOwnJoined: withoutUserNamespace(request, joined) });
}

function noImageToRemove(root: string): FosterError {
  return new FosterError(`--rmi: ${root} is no image`, {
    kind: 'invalid',
    advice: 'use --rm, which removes the container',
  });
}

/** What a container that shares a network keeps of its own: the choice of files that are left as the image has them. */
function without(files: ContainerRecord['network']): Pick<ContainerRecord['network'], 'network' | 'without'> {
  return { network: 'container', ...(files.without && { without: files.without }) };
}

/** Adds the networks and the ports. @throws FosterError if a container of this kind cannot have them */
export async function withNetworks(draft: Draft, request: RunRequest): Promise<Draft> {
  const { networks, isNetworkUsual, ports, publishAll } = request;
  const isPublishing = ports.length > 0 || publishAll;
  if (request.pastaOptions !== undefined) {
    const { checkPasta } = await import('./pasta.js');
    checkPasta(draft);
    return { ...draft, pasta: request.pastaOptions, ...(await publishedPorts(draft, request)) };
  }
  if (networks.length === 0) {
    if (isPublishing)
      surroundings().warn(
        `no port is published: with the network ${request.network} there is nothing to publish`,
      );
    return draft;
  }
  const { checkAttachable, warnOfAliases } = await import('./network.js');
  if (!checkAttachable(draft, !isNetworkUsual || isPublishing))
    return { ...draft, network: { ...draft.network, network: 'none' } };
  const { findNetwork } = await import('../network/store.js');
  const found = networks.map((one) => ({
    ...one,
    name: findNetwork(one.name, { exitCode: EXIT.FOSTER }).name,
  }));
  for (const one of found) await warnOfAliases(one);
  return { ...draft, networks: found, ...(await publishedPorts(draft, request)) };
}

async function publishedPorts(
  draft: Draft,
  { ports, publishAll }: RunRequest,
): Promise<Pick<Draft, 'published'>> {
  if (ports.length === 0 && !publishAll) return {};
  const { exposedPorts, choosePorts } = await import('../network/ports.js');
  const all = [...ports, ...(publishAll ? exposedPorts(draft.ports ?? [], ports) : [])];
  return { published: await choosePorts(all) };
}

/** Adds the mounts of --volumes-from, except at destinations where the request has a mount. */
export async function withBorrowedMounts(request: RunRequest): Promise<RunRequest> {
  if (request.volumesFrom.length === 0) return request;
  const { borrowedMounts } = await import('./requested-mounts.js');
  const taken = new Set([...request.mounts, ...request.devices].map(({ destination }) => destination));
  const borrowed = borrowedMounts(request.volumesFrom).filter(({ destination }) => !taken.has(destination));
  return { ...request, mounts: [...request.mounts, ...borrowed] };
}

export async function volumesFor(
  request: RunRequest,
  image: ImageDefaults | undefined,
): Promise<VolumeUse[]> {
  if (!withImageVolumes(request, image).some(({ type }) => type === 'volume')) return [];
  return (await import('./choose-volumes.js')).chooseVolumes(request, image);
}

/** Whether the container is in the host's user namespace: root can ask for that, or join such a container. */
export function withoutUserNamespace({ userns }: RunRequest, joined: Container | undefined): boolean {
  if (joined !== undefined) return joined.record.spec.linux.uidMappings.length === 0;
  return userns === 'host' && uid() === 0;
}

/**
 * The request for a container in the host's user namespace. No process in it can have a capability that we do not have. And
 * device nodes made there would be real. Docker lets containers make them, but a cgroup keeps them from being opened.
 * foster does not have that yet.
 */
function inHostsUserNamespace(request: RunRequest): RunRequest {
  const own = new Set(ownCapabilities());
  if (!request.wantsMknod) own.delete('CAP_MKNOD');
  return { ...request, userns: 'host', capabilities: request.capabilities.filter((name) => own.has(name)) };
}

/** The storage driver for a directory that the caller has given. */
async function driverFor(
  { spec, network }: Pick<Draft, 'spec' | 'network'>,
  maps: ChosenMaps,
  isSeen: boolean,
  usual: StorageDriver,
): Promise<StorageDriver> {
  const { directoryDriver } = await import('./directory-driver.js');
  const options = { isAsked: requestedDriver() !== undefined, mayFuse: !isSeen };
  return directoryDriver({ path: spec.root.path, spec, network, maps }, usual, options, surroundings().warn);
}

/**
 * fuse-overlayfs runs in the container's user namespace and sees the host's files, so no process of the container may see
 * it. A container without its own PID namespace gets a copy instead.
 */
function driverBeside(isSeen: boolean, driver: StorageDriver): StorageDriver {
  return isSeen && driver === 'fuse-overlayfs' ? 'copy' : driver;
}

/** The record of a container, except for what depends on its id maps. */
export function draftOf(
  request: RunRequest,
  id: string,
  spec: Spec,
  image: RootTree['image'],
): Omit<Draft, keyof ReturnType<typeof mapsIn>> & { asked: Asked } {
  const { defaults, ...origin } = image ?? { defaults: {} as ImageDefaults };
  const health = healthOf(request, defaults.Healthcheck);
  return {
    version: 1,
    id,
    created: new Date().toISOString(),
    root: request.root,
    command: spec.process.args,
    ...(image && { image: origin as NonNullable<ContainerRecord['image']> }),
    ...withPorts([...Object.keys(defaults.ExposedPorts ?? {}), ...request.expose]),
    labels: { ...defaults.Labels, ...request.labels },
    rm: request.rm,
    ...(request.removesImage && { removesImage: true }),
    init: request.init,
    signalGroup: request.initSignalGroup,
    interactive: request.interactive,
    stopSignal:
      request.stopSignal ?? parseSignal('STOPSIGNAL of the image', defaults.StopSignal || 'SIGTERM'),
    stopTimeout: request.stopTimeout,
    ...(request.timeLimit > 0 && { timeLimit: request.timeLimit }),
    logging: request.logging,
    ...(health !== undefined && { health }),
    ...(request.probes !== undefined && { probes: request.probes }),
    ...request.hooks,
    ...limitsOf(request),
    network: networkOf(request, hostnameOf(request, id, hostname())),
    asked: askedFor(request, defaults),
    spec,
  };
}

function limitsOf({ limits: { resources: _, ...asked } }: RunRequest): Pick<Draft, 'limits'> {
  const { rates, cpus, cgroupParent, isWithoutCgroup, ignoresUnenforced } = asked;
  const isSaid = isWithoutCgroup || ignoresUnenforced || cpus !== undefined || cgroupParent !== undefined;
  return isSaid || rates.length > 0 ? { limits: asked } : {};
}

const NOT_ATTACHED = { stdin: false, stdout: false, stderr: false };

function idmappedOf({ mounts }: RunRequest): Pick<Asked, 'idmapped'> {
  const idmapped = mounts.filter(isIdmapped).map(({ destination }) => destination);
  return idmapped.length === 0 ? {} : { idmapped };
}

function beneathOf({ mounts }: RunRequest): Pick<Asked, 'beneath'> {
  const parts = mounts.flatMap(({ beneath, destination }) => (beneath ? [{ destination, ...beneath }] : []));
  return parts.length === 0 ? {} : { beneath: parts };
}

function isIdmapped({ isIdmapped, volume }: RequestedMount): boolean {
  return isIdmapped ?? volume?.isIdmapped ?? false;
}

/** @throws FosterError where the kernel does not let the caller do that */
function checkIdmapped({ mounts, userns }: RunRequest): void {
  const { destination } = mounts.find(isIdmapped) ?? {};
  if (destination === undefined) return;
  if (uid() !== 0)
    throw new FosterError(
      `cannot use idmap for ${destination}: the kernel lets only root do that with file systems of the machine`,
      { kind: 'unsupported', advice: 'leave it out, and use --userns keep-id for files of your own' },
    );
  if (userns === 'host')
    throw new FosterError(`cannot use idmap for ${destination}: the container has no user namespace`, {
      kind: 'invalid',
      advice: 'leave it out: its ids are those of the host',
    });
}

function askedFor(request: RunRequest, image: ImageDefaults): Asked {
  const { entrypoint, cmd } = commandOf(request, image);
  return {
    ...request.written,
    user: request.user ?? image.User ?? '',
    groups: request.groups,
    devices: request.devices,
    privileged: request.privileged,
    attached: request.detach ? NOT_ATTACHED : request.attached,
    ...(entrypoint.length > 0 && { entrypoint }),
    ...(cmd.length > 0 && { cmd }),
    ...(image.OnBuild && image.OnBuild.length > 0 && { onBuild: image.OnBuild }),
    ...idmappedOf(request),
    ...beneathOf(request),
    ...(request.timezone !== undefined && { timezone: request.timezone }),
    ...(request.cidfile !== undefined && { cidfile: request.cidfile }),
    ...(request.pidfile !== undefined && { pidfile: request.pidfile }),
    ...(request.publishAll && { publishAll: true }),
    ...(request.health === 'none' && { noHealthcheck: true }),
  };
}

function networkOf(request: RunRequest, hostname: string): ContainerRecord['network'] {
  const { network, dns, dnsSearch, dnsOptions, domainname, addHosts, ownFiles } = request;
  const without = [
    ...(ownFiles.hosts ? [] : ['/etc/hosts']),
    ...(ownFiles.hostname ? [] : ['/etc/hostname']),
    ...(ownFiles.resolvConf ? [] : ['/etc/resolv.conf']),
    ...(ownFiles.accounts ? [] : ['/etc/passwd', '/etc/group']),
  ];
  return {
    hostname,
    network,
    dns,
    addHosts,
    ...(domainname !== undefined && { domainname }),
    ...(dnsSearch && { dnsSearch }),
    ...(dnsOptions && { dnsOptions }),
    ...(without.length > 0 && { without }),
  };
}

/** The ports of an image, sorted and with their protocols: image-spec, "config.md". Invalid ones are left out. */
function withPorts(ports: string[]): Pick<Draft, 'ports'> {
  const wellFormed = ports.filter((port) => /^\d{1,5}(-\d{1,5})?(\/(tcp|udp|sctp))?$/.test(port));
  if (wellFormed.length === 0) return {};
  const whole = new Set(wellFormed.map((port) => (port.includes('/') ? port : `${port}/tcp`)));
  return { ports: [...whole].sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10)) };
}

export function mapsIn(maps: ChosenMaps): Pick<Draft, 'usesMapHelpers' | 'isCallerMapped' | 'canSetGroups'> {
  return { usesMapHelpers: maps.helpers, isCallerMapped: maps.isCallerMapped, canSetGroups: !maps.isSingle };
}

/** A container that joins a PID namespace also joins its user namespace, so it has the other container's id maps. */
function mapsOfJoined(record: Container['record']): ChosenMaps {
  const maps = mapsOf(record) ?? { uid: [], gid: [], helpers: false };
  const isMapped = maps.uid.length === 0 || isHostIdMapped(uid(), maps.uid);
  return { ...maps, isSingle: !record.canSetGroups, isCallerMapped: isMapped };
}

function uid(): number {
  return process.getuid?.() ?? 0;
}

function gid(): number {
  return process.getgid?.() ?? 0;
}

export function singleIdWarning(): string {
  return (
    'you have no range of user ids in /etc/subuid and /etc/subgid, so the container has one user and one group only; ' +
    `for more, as root: ${addRangesCommand(callerName())}`
  );
}

/**
 * Checks the owner of the root filesystem. If it is not mapped in the container, not even a mount point can be created.
 * @returns whether the ids of the files must be shifted, which root can do
 */
export function checkOwner(
  { path, source }: Pick<RootTree, 'path' | 'source'>,
  maps: ChosenMaps,
  driver: StorageDriver,
): boolean {
  if (source !== 'directory' || maps.isCallerMapped) return false;
  const { uid: owner } = statSync(path);
  if (isHostIdMapped(owner, maps.uid)) return false;
  if (uid() === 0 && driver !== 'fuse-overlayfs') return true;
  const [how, advice] =
    uid() === 0
      ? [`the storage driver ${driver}`, '--userns keep-id makes its users those of the machine']
      : [
          '--userns auto',
          'give a tar file or a recipe, whose files foster can give to other owners, or leave out --userns auto',
        ];
  throw new FosterError(
    `cannot use ${path} with ${how}: its owner, user ${owner}, is not among the users of the container`,
    { advice },
  );
}

/** The user of the process: with --userns keep-id the caller, unless another one is requested. */
function userOf(
  request: RunRequest,
  root: RootFiles,
  maps: ChosenMaps,
  image: RootTree['image'],
): ResolvedUser {
  const isCaller =
    request.user === undefined && request.userns === 'keep-id' && request.pid.kind !== 'container';
  const { keep } = request.ids;
  const wanted = isCaller
    ? `${keep?.uid ?? uid()}:${keep?.gid ?? gid()}`
    : (request.user ?? (image?.defaults.User || undefined));
  const groups = root.read('/etc/group');
  const user = resolveUser(wanted, root.read('/etc/passwd'), groups);
  const added = resolveGroups(request.groups, groups);
  checkMapped('user', user.uid, maps.uid, maps.isSingle);
  for (const id of [user.gid, ...added]) checkMapped('group', id, maps.gid, maps.isSingle);
  return {
    ...user,
    ...(isCaller && user.name === undefined && { home: homeOfCaller(request, image) }),
    additionalGids: [...new Set([...user.additionalGids, ...added])],
  };
}

/** As in Podman: the home directory that the caller has on the host, if it is mounted, or else the working directory. */
function homeOfCaller({ mounts, workdir }: RunRequest, image: RootTree['image']): string {
  const home = callerHome();
  if (home !== undefined && mounts.some(({ destination }) => destination === home)) return home;
  return workdir ?? (image?.defaults.WorkingDir || '/');
}

function checkMapped(kind: 'user' | 'group', id: number, map: IdMapping[], isSingle: boolean): void {
  if (map.length === 0 || isIdMapped(id, map)) return;
  const file = kind === 'user' ? '/etc/subuid' : '/etc/subgid';
  throw new FosterError(`cannot become ${kind} ${id}: the container's user namespace has no such ${kind}`, {
    advice: isSingle
      ? `it has just one, since you have no range in ${file}`
      : `it has ${map.reduce((sum, { size }) => sum + size, 0)} ${kind}s; a larger range in ${file} gives it more`,
  });
}

async function makeSpec(
  request: RunRequest,
  id: string,
  tree: RootTree,
  maps: ChosenMaps,
  volumes: VolumeUse[],
): Promise<Spec> {
  checkIdmapped(request);
  const shiftsIds = uid() === 0 && foreignRoot(maps) !== undefined;
  const ofVolumes =
    volumes.length > 0
      ? (await import('./choose-volumes.js')).mountsOfVolumes(volumes, request.mounts, { shiftsIds })
      : undefined;
  const root = new RootFiles(tree.image?.layers ?? [tree.path]);
  try {
    return buildSpec(request, {
      id,
      hostname: hostname(),
      rootPath: tree.path,
      ...(ofVolumes && { volumes: ofVolumes }),
      image: tree.image?.defaults,
      user: userOf(request, root, maps, tree.image),
      uidMappings: maps.uid,
      gidMappings: maps.gid,
      architecture: process.arch,
      callerIsRoot: uid() === 0,
      shiftsIds,
      term: surroundings().env.TERM,
      seccompProfile: await readProfile(request),
      hasMqueue: existsSync('/dev/mqueue'),
      devices: blockDevices(request.limits.rates),
    });
  } finally {
    root.close();
  }
}
