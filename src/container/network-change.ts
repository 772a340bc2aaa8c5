import { closeSync } from 'node:fs';
import { runHostSteps } from '../launch/host-steps.js';
import { connectNetwork } from '../network/connect.js';
import type { NetworkDefinition } from '../network/definition.js';
import type { Holder } from '../network/holder.js';
import { giveBackLease, type Lease, outwardAmong, readLeases, takeLease } from '../network/leases.js';
import { withNetworkLock } from '../network/lock.js';
import { hasNames, withdrawNames } from '../network/names.js';
import { answerFromAllNetworks } from '../network/resolvers.js';
import { networkHolder } from '../network/router.js';
import { runSteps } from '../network/service.js';
import { findNetwork } from '../network/store.js';
import { deleteLink } from '../plan/netlink.js';
import { attachInterface, type InsideInterface, moveDefaultRoute } from '../plan/network.js';
import type { ChangeNetwork } from '../plan/step.js';
import type { WantedNetwork } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { openPidfd } from '../sys/libc.js';
import { changeRecord, withStoreLock } from './change.js';
import { noteNetworks } from './events/network-events.js';
import { recordNetworkEvent } from './events/recorder.js';
import { isOfOurVersion } from './monitor-version.js';
import { interfaceFacts, leaseRequest, publish, runs } from './network.js';
import { hasNextStart, noteNextStart } from './next-start.js';
import type { ContainerRecord } from './record.js';
import { type ContainerState, isAlive, readContainer } from './store.js';

/** Connects a container that runs to one more network. @throws FosterError */
export async function connectRunning(record: ContainerRecord, wanted: WantedNetwork): Promise<void> {
  checkChangeable(record);
  const request = leaseRequest(wanted);
  const { network } = request;
  const whole = { ...wanted, name: network.name };
  await withNetworkLock(async () => {
    const own = readLeases(record.id);
    if (own.some((lease) => lease.network === network.name))
      throw new FosterError(`container ${record.name} is connected to the network ${network.name} already`, {
        kind: 'conflict',
        exitCode: 1,
      });
    await withHolder(async (holder) => {
      connectNetwork(holder, network, runs);
      const lease = takeLease(record.id, request, runs);
      answerFromAllNetworks(holder, runs);
      const facts = interfaceFacts(network, lease, { isDefault: false });
      const networks = [...(record.networks ?? []), whole];
      const routes = changeOfRoute(record, [...own, lease], networks);
      let takeBack = () => {};
      try {
        // comes first, because the monitor may be about to restart it
        takeBack = await noteNextStart({ ...record, networks }, [...own, lease]);
        changeInside(record, [...attachInterface(facts), ...routes], holder);
      } catch (error) {
        takeBack();
        giveBackLease(lease);
        answerFromAllNetworks(holder, runs);
        throw error;
      }
      keepNetworks(record, networks);
      await publish({ ...record, networks }, [...own, lease]);
      recordNetworkEvent('connect', network, { container: record.id });
    });
  });
}

/** Disconnects a container that runs from a network. @throws FosterError */
export async function disconnectRunning(record: ContainerRecord, reference: string): Promise<void> {
  checkChangeable(record);
  const network = findNetwork(reference);
  await withNetworkLock(async () => {
    const lease = readLeases(record.id).find((one) => one.network === network.name);
    if (lease === undefined)
      throw new FosterError(`container ${record.name} is not connected to the network ${network.name}`, {
        kind: 'not-found',
        exitCode: 1,
      });
    await withHolder(async (holder) => {
      const left = (record.networks ?? []).filter(({ name }) => name !== network.name);
      const own = readLeases(record.id);
      await noteNextStart({ ...record, networks: left }, own);
      if (hasNames(network)) withdrawNames(network, record.id);
      removeLink(holder, lease);
      changeInside(record, changeOfRoute(record, own, left), holder);
      giveBackLease(lease);
      answerFromAllNetworks(holder, runs);
      keepNetworks(record, left);
      noteNetworks(
        record.id,
        left.map(({ name }) => findNetwork(name)),
      );
      recordNetworkEvent('disconnect', network, { container: record.id });
    });
  });
}

/** Steps for the way to the outside, which may be another one among other networks. @param own leases of all that matter */
function changeOfRoute(
  { networks: before = [] }: ContainerRecord,
  own: readonly Lease[],
  after: readonly WantedNetwork[],
): ChangeNetwork[] {
  const [from, to] = [before, after].map((networks) => {
    const requests = networks.map(leaseRequest);
    return requests[outwardAmong(requests)]?.network;
  });
  if (from?.name === to?.name) return [];
  const isStill = after.some(({ name }) => name === from?.name); // else its routes have gone with its interface
  return moveDefaultRoute(isStill ? insideOf(from, own) : undefined, insideOf(to, own));
}

function insideOf(
  network: NetworkDefinition | undefined,
  own: readonly Lease[],
): InsideInterface | undefined {
  const lease = own.find((one) => one.network === network?.name);
  if (network === undefined || lease?.inside === undefined) return undefined;
  return { index: lease.inside, addresses: interfaceFacts(network, lease, { isDefault: true }).addresses };
}

/** Does steps for the container, unless its monitor is about to restart it: then that does what `noteNextStart` has left. */
function changeInside(record: ContainerRecord, steps: ChangeNetwork[], { pidfd: holder }: Holder): void {
  if (steps.length === 0) return;
  const { pid } = aliveState(record);
  if (pid === 0) return;
  const pidfd = openPidfd(pid);
  try {
    if (aliveState(record).pid === pid) runHostSteps(steps, { pid, pidfd, holder });
  } finally {
    closeSync(pidfd);
  }
}

function aliveState(record: ContainerRecord): ContainerState {
  const state = readContainer(record.id)?.state;
  if (state === undefined || !isAlive(state)) throw ended(record);
  return state;
}

function checkChangeable(record: ContainerRecord): void {
  const { monitor } = aliveState(record);
  if (!isOfOurVersion(monitor))
    throw new FosterError(
      `cannot change the networks of container ${record.name} while it runs: another version of foster has started it`,
      {
        kind: 'conflict',
        advice: `start it anew: foster restart ${record.name}`,
        exitCode: 1,
      },
    );
  if ((record.networks ?? []).length === 0 && !hasNextStart(record.id))
    throw new FosterError(
      `cannot change the networks of container ${record.name} while it runs: it was started without any`,
      {
        kind: 'unsupported',
        advice: `stop it first: foster stop ${record.name}`,
        exitCode: 1,
      },
    );
}

function ended({ name }: ContainerRecord): FosterError {
  return new FosterError(`container ${name} has just ended`, { kind: 'conflict', exitCode: 1 });
}

async function withHolder(use: (holder: Holder) => Promise<void>): Promise<void> {
  const holder = networkHolder();
  try {
    await use(holder);
  } finally {
    closeSync(holder.pidfd);
    closeSync(holder.lock);
  }
}

/** The other end goes with it: veth(4). */
function removeLink({ pidfd }: Holder, { index }: Lease): void {
  runSteps(pidfd, [
    {
      kind: 'netlink',
      where: 'holder',
      messages: deleteLink(index),
      call: `ip link delete v${index}`,
      why: 'disconnect the container from the network',
    },
  ]);
}

function keepNetworks({ id }: ContainerRecord, networks: WantedNetwork[]): void {
  withStoreLock(() => changeRecord(id, (record) => ({ ...record, networks })));
}
