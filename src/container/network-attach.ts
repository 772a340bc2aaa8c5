import { closeSync } from 'node:fs';
import type { NetworkDefinition } from '../network/definition.js';
import { chooseLeases } from '../network/leases.js';
import type { WantedNetwork } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { changeRecord, withStoreLock } from './change.js';
import { checkAttachable, runs, warnOfAliases } from './network.js';
import { connectRunning, disconnectRunning } from './network-change.js';
import type { ContainerRecord } from './record.js';
import { type Container, isAlive, lockContainer, readContainer } from './store.js';

/** Attaching containers that exist to networks, and detaching them. */

/**
 * Attaches a container to one more network.
 * @throws FosterError of the kind `conflict` where it is attached already, or cannot be
 */
export async function connectContainer(
  container: Container,
  network: NetworkDefinition,
  wanted: Omit<WantedNetwork, 'name'>,
): Promise<void> {
  const { record } = container;
  const what = `cannot connect container ${record.name} to the network ${network.name}`;
  const mode = record.network.network;
  const other = 'make a container with another --network';
  if (mode === 'host') throw refused(what, 'it is in the network of the host', other);
  if (mode === 'pasta') throw refused(what, 'a pasta(1) of its own connects it', other);
  if (mode === 'container' || mode === 'ns') throw refused(what, 'its network belongs to others', other);
  checkAttachable(record, true);
  if (mode === 'none') throw refused(what, 'it was made with --network none', other);
  if (isAttached(record, network.name)) throw refused(what, 'it is connected already');
  const { ip, ip6, mac } = wanted;
  chooseLeases(
    record.id,
    [
      {
        network,
        ...(ip !== undefined && { ip }),
        ...(ip6 !== undefined && { ip6 }),
        ...(mac !== undefined && { mac }),
      },
    ],
    runs,
  );
  const whole = { ...wanted, name: network.name };
  await warnOfAliases(whole);
  await change(container, what, {
    running: () => connectRunning(record, whole),
    record: (now) => {
      if (isAttached(now, network.name)) throw refused(what, 'it is connected already');
      return { ...now, networks: [...(now.networks ?? []), whole] };
    },
  });
}

/**
 * Detaches a container from a network. Its published ports stay.
 * @param network also one that is gone, which has no id
 * @throws FosterError of the kind `conflict` where it is not attached
 */
export async function disconnectContainer(
  container: Container,
  network: Pick<NetworkDefinition, 'id' | 'name'>,
): Promise<void> {
  const { record } = container;
  const what = `cannot disconnect container ${record.name} from the network ${network.name}`;
  if (!isAttached(record, network.name))
    throw refused(what, 'it is not connected', `'foster inspect ${record.name}' shows its networks`);
  await change(container, what, {
    running: () => disconnectRunning(record, network.name),
    record: (now) => ({
      ...now,
      networks: (now.networks ?? []).filter(({ name }) => name !== network.name),
    }),
  });
}

function isAttached({ networks = [] }: ContainerRecord, name: string): boolean {
  return networks.some((one) => one.name === name);
}

/** Changes what runs, with its record; where nothing runs, the record alone, and nobody can start it meanwhile. */
async function change(
  { record: { id } }: Container,
  what: string,
  { running, record }: { running: () => Promise<void>; record: (now: ContainerRecord) => ContainerRecord },
): Promise<void> {
  const lock = lockContainer(id, { wait: false });
  if (lock === undefined) {
    const now = readContainer(id);
    if (now !== undefined && isAlive(now.state)) return await running();
    throw refused(what, 'another command is at work on it', 'try again');
  }
  try {
    withStoreLock(() => changeRecord(id, record));
  } finally {
    closeSync(lock);
  }
}

function refused(what: string, why: string, advice?: string): FosterError {
  return new FosterError(`${what}: ${why}`, {
    kind: 'conflict',
    exitCode: 1,
    ...(advice !== undefined && { advice }),
  });
}
