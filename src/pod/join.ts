import { readContainer } from '../container/store.js';
import { namespaceType } from '../spec/parse/pod.js';
import { type PodRequest, toPodRequest } from '../spec/parse/pod-request.js';
import type { Membership, RunRequest, SharedNamespace } from '../spec/request.js';
import { EXIT, FosterError } from '../sys/errors.js';
import { createPod, ensureInfra } from './create.js';
import type { PodRecord } from './record.js';
import { isInit, isPodAlive } from './state.js';
import { findPod, findPodRecord } from './store.js';

/**
 * The request of a container that shall be in a pod, with what it gets from that. A pod is made for it where it asks for a new one.
 * @throws FosterError if there is no such pod, or the request has options that belong to the pod; no new pod is left then
 */
export async function joinPod(asked: RunRequest): Promise<{ request: RunRequest; fresh?: string }> {
  const { pod: wanted } = asked;
  if (wanted === undefined) return { request: asked };
  if (!wanted.reference.startsWith('new:'))
    return { request: await asMember(asked, wanted, findPodRecord(wanted.reference)) };
  const record = await createPod(podFor(wanted.reference.slice('new:'.length), asked));
  const apart = wanted.apart.filter((name) => name !== 'net');
  try {
    return { request: await asMember(withoutNetwork(asked), { ...wanted, apart }, record), fresh: record.id };
  } catch (error) {
    await (await import('./remove.js')).removePod(record.id, { force: true });
    throw error;
  }
}

/** @throws FosterError if it cannot be one */
async function asMember(
  request: RunRequest,
  { apart, initContainer }: NonNullable<RunRequest['pod']>,
  record: PodRecord,
): Promise<RunRequest> {
  const shared = record.shares.filter((name) => !apart.includes(name));
  checkOptions(request, record, shared);
  if (initContainer !== undefined && isPodAlive(findPod(record.id)))
    throw new FosterError(`cannot add an init container to pod ${record.name}: it runs already`, {
      kind: 'conflict',
      advice: `first: foster pod stop ${record.name}`,
      exitCode: EXIT.FOSTER,
    });
  await ensureInfra(record);
  const own = shared.filter((name) => !record.ofHost.includes(name));
  const membership: Membership = {
    pod: record.id,
    ...(record.infra && { infra: record.infra.id }),
    types: own.map(namespaceType),
    endsPod: record.exitPolicy === 'stop' && initContainer === undefined,
    ...(initContainer && { initContainer }),
    ...(record.job !== undefined && { job: record.job }),
  };
  return inPod({ ...request, membership }, record, shared);
}

/** A pod for one container: what it asks for about networks is the pod's. */
function podFor(name: string, asked: RunRequest): PodRequest {
  const context = { cwd: '/', env: {}, exists: () => true, readText: () => '' };
  const request = toPodRequest(name === '' ? undefined : name, {}, [], context);
  const { network, networks, networkContainer, networkPath, pastaOptions, isNetworkUsual, ports } = asked;
  const { hostname, domainname, dns, dnsSearch, dnsOptions, addHosts, restart } = asked;
  const ofNetwork = { network, networks, networkContainer, networkPath, pastaOptions, isNetworkUsual, ports };
  const names = { hostname, domainname, dns, dnsSearch, dnsOptions, addHosts };
  return { ...request, infra: { ...request.infra, ...ofNetwork, ...names, restart } };
}

function withoutNetwork(request: RunRequest): RunRequest {
  return {
    ...request,
    ...{ network: 'none', networks: [], isNetworkUsual: true, networkContainer: undefined },
    ...{
      networkPath: undefined,
      pastaOptions: undefined,
      ports: [],
      hostname: undefined,
      domainname: undefined,
    },
    ...{ dns: [], dnsSearch: undefined, dnsOptions: undefined, addHosts: [] },
  };
}

/** Adds what the pod gives to its containers. */
function inPod(request: RunRequest, record: PodRecord, shared: readonly SharedNamespace[]): RunRequest {
  const { infra, ofHost, restart, security, cgroup } = record;
  const isShared = (name: SharedNamespace) => shared.includes(name) && !ofHost.includes(name);
  const isOfHost = (name: SharedNamespace) => shared.includes(name) && ofHost.includes(name);
  const hasUsers = infra?.spec.linux.namespaces.some(({ type }) => type === 'user') ?? true;
  const hostname = infra?.network.hostname;
  const { limits } = request;
  const mayRestart = request.isRestartUsual && !request.rm && !isInit(request.membership ?? {});
  return {
    ...request,
    ...(!hasUsers && { userns: 'host' }),
    ...(isShared('net') && { network: 'container', networks: [] }),
    ...(isOfHost('net') && { network: 'host', networks: [] }),
    ...(isShared('uts') && hostname !== undefined && { hostname }),
    ...(isOfHost('uts') && { uts: 'host' }),
    ...(isOfHost('ipc') && { ipc: 'host' }),
    ...(isOfHost('pid') && { pid: { kind: 'host' } }),
    ...(isOfHost('cgroup') && { cgroupns: 'host' }),
    ...(infra && { volumesFrom: [{ reference: infra.id, isReadOnly: false }, ...request.volumesFrom] }),
    devices: [...(infra?.asked?.devices ?? []), ...request.devices],
    ...(mayRestart && { restart }),
    ...(security && request.written.securityOpt.length === 0 && securityOf(request, security)),
    ...(cgroup !== undefined &&
      limits.cgroupParent === undefined && { limits: { ...limits, cgroupParent: cgroup } }),
  };
}

function securityOf(
  { written }: RunRequest,
  { written: securityOpt, ...choices }: NonNullable<PodRecord['security']>,
): Partial<RunRequest> {
  return { ...choices, written: { ...written, securityOpt } };
}

/** Refuses options of what belongs to the pod. @throws FosterError */
function checkOptions(request: RunRequest, record: PodRecord, shared: readonly SharedNamespace[]): void {
  const { ports, publishAll, networks, dns, dnsSearch, dnsOptions, addHosts, isNetworkUsual } = request;
  const [first] = networks;
  const hasNetwork = record.shares.includes('net');
  const ofNetwork: [string, boolean][] = [
    ['--publish', ports.length > 0 || publishAll],
    ['--network', !isNetworkUsual && request.network !== 'none' && request.network !== 'host'],
    ['--ip', (first?.ip ?? first?.ip6) !== undefined],
    ['--mac-address', first?.mac !== undefined],
    ['--network-alias', (first?.aliases.length ?? 0) > 0],
    ['--dns', dns.length > 0],
    ['--dns-search', dnsSearch !== undefined],
    ['--dns-option', dnsOptions !== undefined],
    ['--add-host', addHosts.length > 0],
  ];
  for (const [flag, isGiven] of hasNetwork ? ofNetwork : [])
    if (isGiven) throw ofPod(flag, 'network', record);
  if (shared.includes('uts') && (request.hostname ?? request.domainname) !== undefined)
    throw ofPod('--hostname', 'host name', record);
  if (record.exitPolicy === 'stop' && request.removesImage)
    throw new FosterError(`--rmi cannot be used in pod ${record.name}, which has the exit policy stop`, {
      kind: 'invalid',
      advice: 'use --rm, and foster rmi later',
      exitCode: EXIT.FOSTER,
    });
  if (record.infra === undefined) return;
  if (request.userns !== 'default' || request.ids.uid !== undefined) throw ofPod('--userns', 'users', record);
  const joined = [
    request.pid.kind === 'container' && '--pid container:',
    request.network === 'container' && '--network container:',
    request.network === 'ns' && '--network ns:',
    request.network === 'pasta' && '--network pasta',
    request.bundle !== undefined && '--bundle',
  ].find((flag) => flag !== false);
  if (joined !== undefined)
    throw new FosterError(`${joined} and --pod cannot be used together`, {
      kind: 'invalid',
      advice: 'the container has the users of its pod',
      exitCode: EXIT.FOSTER,
    });
  if (readContainer(record.infra.id)?.state.status === 'paused')
    throw new FosterError(`cannot start a container in pod ${record.name}: it is paused`, {
      kind: 'conflict',
      advice: `first: foster pod unpause ${record.name}`,
      exitCode: EXIT.FOSTER,
    });
}

function ofPod(flag: string, what: string, { name }: PodRecord): FosterError {
  return new FosterError(`${flag} cannot be used in pod ${name}: its containers share its ${what}`, {
    kind: 'invalid',
    advice: 'give it to foster pod create',
    exitCode: EXIT.FOSTER,
  });
}
