import { LABEL } from '../../compose/labels.js';
import { type Network, networksOf, type Project, type Volume } from '../../compose/project.js';
import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import type { Report } from './progress.js';
import { reporting } from './progress.js';

/** Undoes what was made, the latest first. */
export type UndoList = (() => Promise<void>)[];

/** The networks that services use, by their keys. */
export function usedNetworks(project: Project, services: Iterable<string>): string[] {
  const used = [...services].flatMap((name) => {
    const service = project.services[name];
    return service === undefined ? [] : Object.keys(networksOf(service));
  });
  return [...new Set(used)].sort();
}

function usedVolumes(project: Project, services: Iterable<string>): string[] {
  const used = [...services].flatMap((name) =>
    (project.services[name]?.volumes ?? []).flatMap(({ type, source }) =>
      type === 'volume' && source !== undefined ? [source] : [],
    ),
  );
  return [...new Set(used)].sort();
}

/** Creates the networks and volumes of services that are missing. @throws FosterError */
export async function makeResources(
  project: Project,
  services: Iterable<string>,
  report: Report,
  undo: UndoList,
): Promise<void> {
  const names = [...services];
  for (const key of usedNetworks(project, names)) await makeNetwork(project, key, report, undo);
  for (const key of usedVolumes(project, names)) await makeVolume(project, key, report, undo);
}

async function makeNetwork(project: Project, key: string, report: Report, undo: UndoList): Promise<void> {
  const network = project.networks[key];
  if (network === undefined) return;
  const { create, exists, remove } = await import('../networks.js');
  if (await exists(network.name)) return;
  if (network.external) throw isMissing(project, 'networks', key, network.name, 'network');
  await reporting(report, 'Network', network.name, ['Creating', 'Created'], async () => {
    await at(project, ['networks', key], () => create(networkRequest(project, key, network)));
    faultPoint('network created');
  });
  undo.push(() => remove(network.name));
}

function networkRequest(project: Project, key: string, network: Network) {
  const configs = network.ipam?.config ?? [];
  const { driver: ipam = 'default' } = network.ipam ?? {};
  if (ipam !== 'default')
    throw new FosterError(`the address driver ${ipam} is not supported: foster chooses addresses itself`, {
      kind: 'unsupported',
      advice: 'leave out ipam.driver',
    });
  const present = (values: (string | undefined)[]) => values.filter((value) => value !== undefined);
  return {
    name: network.name,
    driver: network.driver ?? 'bridge',
    internal: network.internal ?? false,
    ipv4: network.enable_ipv4 ?? true,
    ipv6: network.enable_ipv6 ?? false,
    subnets: present(configs.map(({ subnet }) => subnet)),
    gateways: present(configs.map(({ gateway }) => gateway)),
    ranges: present(configs.map(({ ip_range }) => ip_range)),
    reserved: configs.flatMap(({ aux_addresses = {} }) =>
      Object.entries(aux_addresses).map(([name, address]) => `${name}=${address}`),
    ),
    options: network.driver_opts ?? {},
    labels: { ...network.labels, [LABEL.project]: project.name, [LABEL.network]: key },
  };
}

async function makeVolume(project: Project, key: string, report: Report, undo: UndoList): Promise<void> {
  const volume = project.volumes[key];
  if (volume === undefined) return;
  const { create, exists, remove } = await import('../volumes.js');
  if (await exists(volume.name)) return;
  if (volume.external) throw isMissing(project, 'volumes', key, volume.name, 'volume');
  await reporting(report, 'Volume', volume.name, ['Creating', 'Created'], async () => {
    await at(project, ['volumes', key], () => create(volumeRequest(project, key, volume)));
    faultPoint('volume created');
  });
  undo.push(async () => void (await remove(volume.name)));
}

function volumeRequest(project: Project, key: string, volume: Volume) {
  return {
    name: volume.name,
    driver: volume.driver ?? 'local',
    options: volume.driver_opts ?? {},
    labels: { ...volume.labels, [LABEL.project]: project.name, [LABEL.volume]: key },
  };
}

function isMissing(project: Project, kind: string, key: string, name: string, word: string): FosterError {
  return new FosterError(`${project.where([kind, key])}: there is no ${word} ${name}, and it is external`, {
    kind: 'not-found',
    exitCode: 1,
    advice: `create it: foster ${word} create ${name}`,
  });
}

/** An error about something of the files says where it is. */
async function at<T>(project: Project, path: string[], act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    const { message, kind, advice } = error;
    throw new FosterError(`${project.where(path)}: ${message}`, {
      kind,
      exitCode: 1,
      cause: error,
      ...(advice !== undefined && { advice }),
    });
  }
}

/** What of a project is on this machine, by the labels of its networks and volumes. */
export async function resourcesOf(project: string): Promise<{ networks: string[]; volumes: string[] }> {
  const networks = await import('../networks.js');
  const volumes = await import('../volumes.js');
  const isOwn = ({ labels }: { labels: Record<string, string> }) => labels[LABEL.project] === project;
  return {
    networks: (await networks.list()).filter(isOwn).map(({ name }) => name),
    volumes: (await volumes.list()).filter(isOwn).map(({ name }) => name),
  };
}
