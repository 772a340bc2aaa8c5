import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodeNext } from '../init/wire.js';
import type { Lease } from '../network/leases.js';
import { attachNetworks } from '../plan/network.js';
import { errnoOf } from '../sys/errno.js';
import { writeFileAtomically } from '../sys/files.js';
import { containerFolder } from '../sys/paths.js';
import { cgroupsAsPlanned } from './cgroups.js';
import { reattachment } from './network.js';
import { planContainer } from './plan.js';
import type { ContainerRecord } from './record.js';

const fileOf = (id: string) => join(containerFolder(id), 'next');

/** Whether the networks of a container have changed since it was started. */
export function hasNextStart(id: string): boolean {
  return contentOf(id) !== undefined;
}

/**
 * Leaves what the monitor of a container that runs needs to restart it in other networks than it was started in:
 * src/init/next.c. Its published ports lead there at once: src/init/ports.c.
 * @param record with its networks from now on
 * @param leases those of these networks, at least
 * @returns takes it back
 * @throws FosterError
 */
export async function noteNextStart(record: ContainerRecord, leases: readonly Lease[]): Promise<() => void> {
  const { id } = record;
  const network = await reattachment(record, leases, { keepsPorts: true });
  const wishes = { verbose: false, detached: true, cgroup: cgroupsAsPlanned(id) };
  const { plan } = planContainer(record, wishes, network);
  const before = contentOf(id);
  const links =
    network.facts === undefined ? [] : attachNetworks(network.facts, { isSeen: plan.joinsPids ?? false });
  const write = (content: Uint8Array) => writeFileAtomically(fileOf(id), content, { durable: false });
  write(encodeNext({ names: network.names, links, plan }));
  return () => {
    if (before === undefined) rmSync(fileOf(id), { force: true });
    else write(before);
  };
}

function contentOf(id: string): Uint8Array | undefined {
  try {
    return readFileSync(fileOf(id));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
