import { closeSync } from 'node:fs';
import { runHostSteps } from '../launch/host-steps.js';
import { connectNetwork, prepareHolder } from '../network/connect.js';
import { ensureHolder, type Holder } from '../network/holder.js';
import { giveBackLease, type Lease, readLeases, takeLease } from '../network/leases.js';
import { withNetworkLock } from '../network/lock.js';
import { hasNames, withdrawNames } from '../network/names.js';
import { answerFromAllNetworks } from '../network/resolvers.js';
import { runSteps } from '../network/service.js';
import { findNetwork } from '../network/store.js';
import { deleteLink } from '../plan/netlink.js';
import { attachInterface } from '../plan/network.js';
import type { WantedNetwork } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { openPidfd } from '../sys/libc.js';
import { changeRecord, withStoreLock } from './change.js';
import { noteNetworks } from './events/network-events.js';
import { recordNetworkEvent } from './events/recorder.js';
import { interfaceFacts, leaseRequest, publish, runs } from './network.js';
import type { ContainerRecord } from './record.js';
import { readContainer } from './store.js';

/** Connects a container that runs to one more network. @throws FosterError */
export async function connectRunning(record: ContainerRecord, wanted: WantedNetwork): Promise<void> {
  const { pid } = runningState(record);
  const request = leaseRequest(wanted);
  const { network } = request;
  await withNetworkLock(async () => {
    const own = readLeases().filter(({ container }) => container === record.id);
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
      const pidfd = openPidfd(pid);
      try {
        if (readContainer(record.id)?.state.pid !== pid) throw ended(record);
        runHostSteps(attachInterface(facts, lease.index), { pid, pidfd, holder: holder.pidfd });
      } catch (error) {
        giveBackLease(lease);
        answerFromAllNetworks(holder, runs);
        throw error;
      } finally {
        closeSync(pidfd);
      }
      const networks = [...(record.networks ?? []), { ...wanted, name: network.name }];
      keepNetworks(record, networks);
      await publish({ ...record, networks }, [...own, lease]);
      recordNetworkEvent('connect', network, { container: record.id });
    });
  });
}

/** Disconnects a container that runs from a network. @throws FosterError */
export async function disconnectRunning(record: ContainerRecord, reference: string): Promise<void> {
  runningState(record);
  const network = findNetwork(reference);
  await withNetworkLock(async () => {
    const lease = readLeases().find((one) => one.container === record.id && one.network === network.name);
    if (lease === undefined)
      throw new FosterError(`container ${record.name} is not connected to the network ${network.name}`, {
        kind: 'not-found',
        exitCode: 1,
      });
    await withHolder(async (holder) => {
      if (hasNames(network)) withdrawNames(network, record.id);
      removeLink(holder, lease);
      giveBackLease(lease);
      answerFromAllNetworks(holder, runs);
      keepNetworks(
        record,
        (record.networks ?? []).filter(({ name }) => name !== network.name),
      );
      const others = readLeases().filter(({ container }) => container === record.id);
      noteNetworks(
        record.id,
        others.map((each) => findNetwork(each.network)),
      );
      recordNetworkEvent('disconnect', network, { container: record.id });
    });
  });
}

function runningState(record: ContainerRecord): { pid: number } {
  const state = readContainer(record.id)?.state;
  if (state === undefined || state.pid === 0) throw ended(record);
  if ((record.networks ?? []).length === 0)
    throw new FosterError(
      `cannot change the networks of container ${record.name} while it runs: it was started without any`,
      {
        kind: 'unsupported',
        advice: `stop it first: foster stop ${record.name}`,
        exitCode: 1,
      },
    );
  return state;
}

function ended({ name }: ContainerRecord): FosterError {
  return new FosterError(`container ${name} has just ended`, { kind: 'conflict', exitCode: 1 });
}

async function withHolder(use: (holder: Holder) => Promise<void>): Promise<void> {
  const holder = ensureHolder(prepareHolder);
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
