import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_NETWORK, type NetworkDefinition } from './definition.js';
import { networksFolder } from './folder.js';

/**
 * The names of containers in a network: a folder with a file per container in the format of hosts(5), which the network's
 * dnsmasq watches. The monitor removes the file when its container has ended.
 */
export function namesFolder(network: Pick<NetworkDefinition, 'name'>): string {
  return join(networksFolder(), 'names', network.name);
}

/** The file of a container. */
export function namesFile(network: Pick<NetworkDefinition, 'name'>, container: string): string {
  return join(namesFolder(network), container);
}

/** Makes a container known by its names in a network. */
export function publishNames(
  network: Pick<NetworkDefinition, 'name'>,
  container: string,
  addresses: readonly string[],
  names: readonly string[],
): void {
  mkdirSync(namesFolder(network), { recursive: true, mode: 0o700 });
  const fresh = join(networksFolder(), `${container}.names`); // elsewhere, because dnsmasq would read an incomplete file
  writeFileSync(fresh, namesText(addresses, names), { mode: 0o600 });
  renameSync(fresh, namesFile(network, container));
}

/** The content of such a file. */
export function namesText(addresses: readonly string[], names: readonly string[]): string {
  const line = [...new Set(names)].join(' ');
  return addresses.map((address) => `${address} ${line}\n`).join('');
}

export function withdrawNames(network: Pick<NetworkDefinition, 'name'>, container: string): void {
  rmSync(namesFile(network, container), { force: true });
}

/** Removes all names of a network that is removed. */
export function removeNames(network: Pick<NetworkDefinition, 'name'>): void {
  rmSync(namesFolder(network), { recursive: true, force: true });
}

/** Removes the names of containers whose monitors were killed. @param isAlive whether the container with that id is running */
export function withdrawStaleNames(network: NetworkDefinition, isAlive: (id: string) => boolean): void {
  let known: string[];
  try {
    known = readdirSync(namesFolder(network));
  } catch {
    return; // no container has had a name in it yet
  }
  for (const container of known) if (!isAlive(container)) withdrawNames(network, container);
}

/** Whether containers find each other by name in a network. */
export function hasNames({ name, hasDns }: NetworkDefinition): boolean {
  return hasDns && name !== DEFAULT_NETWORK;
}
