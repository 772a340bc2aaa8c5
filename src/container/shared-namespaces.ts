import { FosterError } from '../sys/errors.js';
import type { Attachment, NetworkDraft } from './network-draft.js';
import { type ContainerRecord, sharesOf } from './record.js';
import { type Container, findContainer, readContainer } from './store.js';

/** Containers that share namespaces: `--pid container:NAME`, `--network container:NAME`, and the containers of a pod. */

/**
 * Joins the namespaces of the container with which a container shares some. The infra container of a pod is started if it does not
 * run.
 * @returns undefined if it shares none
 * @throws FosterError if the other one does not run
 */
export async function shareNamespaces(draft: NetworkDraft): Promise<Attachment | undefined> {
  const shares = sharesOf(draft);
  if (shares === undefined) return undefined;
  const { record, state } = await targetOf(draft, shares.of);
  const own = new Set(record.spec.linux.namespaces.map(({ type }) => type));
  // in the order of their names in error messages: the user namespace comes first
  const types = (['user', ...shares.types] as const).filter((type) => own.has(type));
  const of = record.isInfra ? `its pod` : `container ${record.name}`;
  return {
    shares: { types, of, ...(record.isInfra && { isPod: true }) },
    joined: { pid: state.pid, id: record.id },
    leases: [],
    names: [],
    ...(await networkOf(draft, record, shares.types.includes('network'))),
  };
}

/** The files that belong to the other's network, and the lock by which that lives. */
async function networkOf(
  { name, shares }: NetworkDraft,
  record: ContainerRecord,
  isShared: boolean,
): Promise<Pick<Attachment, 'hosts' | 'dns' | 'lock'>> {
  const { networks = [], isBelowNetworks } = record;
  const { holdNetwork } = await import('../network/holder.js');
  const lock = networks.length > 0 || isBelowNetworks ? holdNetwork() : undefined;
  if (!isShared) return { lock, hosts: [], dns: [] };
  const { filesOf, leaseRequests } = await import('./network.js');
  const { readLeases } = await import('../network/leases.js');
  const leases = readLeases().filter(({ container }) => container === record.id);
  const { hosts, dns } = await filesOf(record, leaseRequests(networks), leases);
  // in a pod, each is found by its name, and they are all at the same address
  const own = shares === undefined || name === undefined ? [] : [{ name, address: '127.0.0.1' }];
  return { lock, hosts: [...hosts, ...own], dns };
}

async function targetOf(draft: NetworkDraft, id: string): Promise<Container> {
  if (draft.shares === undefined) return draft.joins === undefined ? networkTarget(id) : joinTarget(id);
  const infra = findInfra(id);
  if (infra.state.status === 'running') return infra;
  const { startContainer } = await import('./start.js');
  await startContainer(infra);
  const started = findInfra(id);
  if (started.state.status === 'running') return started;
  throw new FosterError(
    `cannot join the pod: its infra container ${infra.record.name} is ${started.state.status}`,
    {
      kind: 'conflict',
      ...(started.state.status === 'paused' && { advice: `first: foster unpause ${infra.record.name}` }),
      exitCode: 1,
    },
  );
}

/** The infra container of a pod. @throws FosterError of the kind `not-found` */
export function findInfra(id: string): Container {
  const container = readContainer(id);
  if (container !== undefined) return container;
  throw new FosterError('cannot join the pod: its infra container is gone', {
    kind: 'not-found',
    advice: "'foster pod ps' lists pods, and 'foster pod start POD' makes another one",
    exitCode: 1,
  });
}

/**
 * The running container whose PID and user namespaces another one will share.
 * @throws FosterError with `exitCode` if it is not running
 */
export function joinTarget(reference: string, options: { exitCode?: number } = {}): Container {
  const container = findContainer(reference, options);
  if (container.state.status === 'running') return container;
  throw new FosterError(`cannot join the PID namespace of container ${reference}: it is not running`, {
    kind: 'conflict',
    advice: `start it first: foster start ${reference}`,
  });
}

/** The running container whose network is to be shared. @throws FosterError */
export function networkTarget(reference: string, options: { exitCode?: number } = {}): Container {
  const container = findContainer(reference, options);
  const { record, state } = container;
  const types = new Set(record.spec.linux.namespaces.map(({ type }) => type));
  const what = `cannot share the network of container ${reference}`;
  if (state.status !== 'running')
    throw new FosterError(`${what}: it is not running`, {
      kind: 'conflict',
      advice: `start it first: foster start ${reference}`,
    });
  if (!types.has('network'))
    throw new FosterError(`${what}: it uses the network of the host`, { advice: 'use --network host' });
  if (!types.has('user') || record.joins !== undefined)
    throw new FosterError(`${what}: it has no user namespace of its own`, { kind: 'unsupported' });
  return container;
}
