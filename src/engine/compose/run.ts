import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Project, Service } from '../../compose/project.js';
import { parsePublish } from '../../spec/parse/network.js';
import { parseVolume } from '../../spec/parse/volumes.js';
import type { RunRequest } from '../../spec/request.js';
import { FosterError } from '../../sys/errors.js';
import { awaitNeeds } from './conditions.js';
import { type ImageRequest, prepareImages } from './images.js';
import { makeContainer } from './make.js';
import { neededBy } from './needs.js';
import type { Report } from './progress.js';
import { makeResources } from './resources.js';
import { type UpRequest, up } from './up.js';

/** What `compose run` changes of a service. */
export interface OneOff {
  service: string;
  command: readonly string[];
  name?: string | undefined;
  /** `NAME=value` each. */
  env: readonly string[];
  entrypoint?: string | undefined;
  user?: string | undefined;
  workdir?: string | undefined;
  labels: readonly string[];
  /** As in `foster run -v`. */
  volumes: readonly string[];
  /** As in `foster run -p`. */
  ports: readonly string[];
  /** Publish the ports of the service, too. */
  servicePorts: boolean;
  /** It has the names of the service in its networks. */
  useAliases: boolean;
  capAdd: readonly string[];
  capDrop: readonly string[];
  interactive: boolean;
  tty: boolean;
  remove: boolean;
  ignoreUnenforced?: boolean | undefined;
}

/** Starts what a service depends on, and waits until that is as the service needs it. @throws FosterError */
export async function startNeeds(
  project: Project,
  service: string,
  request: UpRequest,
  report: Report,
): Promise<void> {
  const services = [...neededBy(project, [service])];
  if (services.length === 0) return;
  await up(project, { ...request, services }, report);
  await awaitNeeds(service, { project, report, isAwaited: () => true });
}

/** Makes what a container of a service needs besides itself. @throws FosterError */
export async function prepareOneOff(
  project: Project,
  service: string,
  images: ImageRequest,
  report: Report,
): Promise<void> {
  await prepareImages(project, [service], images, report);
  await makeResources(project, [service], report, []);
}

/** Creates a container that runs one command of a service. @returns its id. @throws FosterError */
export async function makeOneOff(project: Project, one: OneOff): Promise<string> {
  if (project.services[one.service] === undefined)
    throw new FosterError(`no such service: ${one.service}`, { kind: 'not-found', exitCode: 1 });
  const name = one.name ?? `${project.name}-${one.service}-run-${randomBytes(6).toString('hex')}`;
  return await makeContainer({
    project,
    service: one.service,
    number: 0,
    name,
    isOneOff: true,
    remove: one.remove,
    ignoreUnenforced: one.ignoreUnenforced,
    change: (service) => changed(service, one, project.env),
    adjust: (request) => adjusted(request, one),
  });
}

/** Adds what has no field in the files, or another meaning there. */
function adjusted(request: RunRequest, { volumes, ports, useAliases, interactive, tty }: OneOff): RunRequest {
  const { networks, mounts } = request;
  const context = { cwd: process.cwd(), exists: existsSync };
  return {
    ...request,
    networks: useAliases ? networks : networks.map((network) => ({ ...network, aliases: [] })),
    mounts: [...mounts, ...volumes.map((value) => parseVolume(value, context))],
    ports: [...request.ports, ...ports.flatMap(parsePublish)],
    interactive,
    tty,
  };
}

function changed(service: Service, one: OneOff, caller: Project['env']): Service {
  // it runs once: neither restart nor what deploy says about it is for it
  const { container_name: _, restart: __, scale: ___, ports, deploy, ...rest } = service;
  const { restart_policy: ____, ...deployed } = deploy ?? {};
  const env = Object.fromEntries(
    one.env.map((text) => {
      const equals = text.indexOf('=');
      return equals < 0 ? [text, caller[text] ?? null] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
  const labels = Object.fromEntries(
    one.labels.map((text) => text.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  return {
    ...rest,
    ...(deploy !== undefined && { deploy: deployed }),
    ...(one.servicePorts && ports !== undefined && { ports }),
    ...(one.command.length > 0 && { command: [...one.command] }),
    ...(one.entrypoint !== undefined && {
      entrypoint: one.entrypoint === '' ? [] : [one.entrypoint],
      ...(one.command.length === 0 && { command: [] }),
    }),
    ...(one.user !== undefined && { user: one.user }),
    ...(one.workdir !== undefined && { working_dir: one.workdir }),
    environment: { ...service.environment, ...env },
    labels: { ...service.labels, ...labels },
    cap_add: [...(service.cap_add ?? []), ...one.capAdd],
    cap_drop: [...(service.cap_drop ?? []), ...one.capDrop],
  };
}
