import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { configHash } from '../../compose/hash.js';
import { isOwnLabel, LABEL } from '../../compose/labels.js';
import { withoutOption } from '../../compose/place.js';
import { dependenciesOf, type Project, type Service, serviceIn } from '../../compose/project.js';
import { fieldOfFlag, placeOf, runFlags } from '../../compose/run-flags.js';
import { type RunContext, toRequest } from '../../spec/parse/run-request.js';
import type { RequestedMount, RunRequest } from '../../spec/request.js';
import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import { surroundings } from '../../sys/surroundings.js';
import { readVolume } from '../../volume/store.js';
import { contentOf } from './project.js';
import { containersOf, type ProjectContainer } from './state.js';

/** A container that a service is to have. */
export interface Wanted {
  project: Project;
  service: string;
  /** 0 for one of `run`. */
  number: number;
  name: string;
  /** The one that it replaces: it takes over its anonymous volumes. */
  instead?: ProjectContainer | undefined;
  /** What `run` changes. */
  change?: ((service: Service) => Service) | undefined;
  adjust?: ((request: RunRequest) => RunRequest) | undefined;
  isOneOff?: boolean;
  remove?: boolean;
  ignoreUnenforced?: boolean | undefined;
  /** Whether its own volumes without a name are empty. */
  renewsVolumes?: boolean | undefined;
  quiet?: boolean | undefined;
}

/** The image of a service: what it says, or the one that is built for it. */
export function imageOf(project: Project, name: string): string {
  return project.services[name]?.image ?? `${project.name}-${name}`;
}

/** The name of a container of a service. */
export function containerName(project: Project, service: string, number: number): string {
  return project.services[service]?.container_name ?? `${project.name}-${service}-${number}`;
}

/** Identifies what the containers of a service are made from. @throws FosterError */
export function hashOf(project: Project, name: string): string {
  const service = project.services[name];
  if (service === undefined) return '';
  const contents = (['secrets', 'configs'] as const).flatMap((kind) =>
    (service[kind] ?? []).map(
      ({ source }) => contentOf(project, kind, source) ?? project[kind][source]?.file ?? null,
    ),
  );
  const names = Object.keys(service.networks ?? {}).map((key) => project.networks[key]?.name ?? key);
  const links = Object.values(project.services).flatMap(({ links: all = [] }) =>
    all.filter((link) => link.split(':')[0] === name && link.includes(':')),
  );
  return configHash(service, { image: imageOf(project, name), contents, names, links });
}

/**
 * Creates a container of a service.
 * @returns its id
 * @throws FosterError that says where in the files something is wrong
 */
export async function makeContainer(wanted: Wanted): Promise<string> {
  const { create } = await import('../containers.js');
  const request = requestOf(wanted);
  const id = await create(request);
  faultPoint('container created');
  try {
    await copyFiles(wanted, id);
  } catch (error) {
    const { remove } = await import('../containers.js');
    await remove(id, { force: true, volumes: true });
    throw error;
  }
  return id;
}

/** The request for a container of a service: that of `foster run`. @throws FosterError */
export function requestOf(wanted: Wanted): RunRequest {
  const { project, service: key, name, change = (service) => service } = wanted;
  const original = project.services[key];
  if (original === undefined) throw new Error(`no service ${key}`);
  const service = change(original);
  const others = containersOf(project.name);
  const firstOf = (other: string): string => {
    const id = others.find((one) => one.service === other)?.id;
    if (id !== undefined) return id;
    throw new FosterError(`service ${key} needs a container of service ${other}, and there is none`, {
      kind: 'conflict',
      exitCode: 1,
      advice: `first: foster compose up -d ${other}`,
    });
  };
  checkLabels(project, key, service);
  makeFolders(project, key, service);
  const where = (field: string | undefined) => project.where(['services', key, ...(field?.split('.') ?? [])]);
  return explained(where, () => {
    const plan = runFlags(project, key, service, {
      image: imageOf(project, key),
      name,
      labels: labelsOf(wanted, service),
      modeOf: (mode) => `container:${firstOf(serviceIn(mode) ?? '')}`,
      containerOf: firstOf,
    });
    const flags = {
      ...plan.flags,
      pull: pullPolicy(service),
      quiet: wanted.quiet ?? false,
      ...(wanted.remove && { rm: true }),
      ...(wanted.ignoreUnenforced && { ignoreUnenforcedLimits: true }),
    };
    const request = toRequest(plan.root, plan.command, flags, plan.mounts, contextOf(project));
    const { healthCommand } = plan;
    const health =
      healthCommand !== undefined && typeof request.health === 'object'
        ? { ...request.health, command: healthCommand }
        : request.health;
    const whole = { ...request, health, mounts: withKeptVolumes(wanted, request.mounts) };
    return wanted.adjust === undefined ? whole : wanted.adjust(whole);
  });
}

function contextOf(project: Project): RunContext {
  return {
    cwd: project.folder,
    env: surroundings().env,
    exists: existsSync,
    readText: (path) => readFileSync(path, 'utf8'),
  };
}

/** Images are pulled before; what the policy asks for beyond that has been done by then. */
function pullPolicy({ pull_policy }: Service): string {
  return pull_policy === 'never' || pull_policy === 'build' ? 'never' : 'missing';
}

/** An error about an option is one about a field of the file. */
function explained<T>(where: (field: string | undefined) => string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    const [, flag = '', other] =
      /^(--?[a-z][\w-]*)(?:.* and (--[a-z][\w-]*).*cannot be used together)?/.exec(error.message) ?? [];
    if (flag === '') throw error;
    const what =
      other === undefined
        ? withoutOption(error.message)
        : `${fieldOfFlag(flag) ?? flag} and ${fieldOfFlag(other) ?? other} cannot be used together`;
    throw new FosterError(`${where(fieldOfFlag(flag))}: ${what}`, {
      kind: error.kind,
      exitCode: 1,
      cause: error,
      ...(error.advice !== undefined && { advice: error.advice }),
    });
  }
}

function checkLabels(project: Project, key: string, { labels = {} }: Service): void {
  const own = Object.keys(labels).find(isOwnLabel);
  if (own === undefined) return;
  throw new FosterError(
    `${project.where(['services', key, 'labels', own])}: foster compose itself sets labels of that name`,
    {
      kind: 'invalid',
      exitCode: 1,
    },
  );
}

function labelsOf(
  { project, service: key, number, isOneOff = false }: Wanted,
  service: Service,
): Record<string, string> {
  const needs = Object.entries(dependenciesOf(service)).map(
    ([name, { condition, restart = false }]) => `${name}:${condition}:${restart}`,
  );
  return {
    [LABEL.project]: project.name,
    [LABEL.service]: key,
    [LABEL.number]: String(isOneOff ? 1 : number),
    [LABEL.oneOff]: isOneOff ? 'True' : 'False',
    [LABEL.hash]: hashOf(project, key),
    [LABEL.folder]: project.folder,
    [LABEL.files]: project.files.join(','),
    [LABEL.dependsOn]: needs.join(','),
  };
}

/** Folders to mount that are not there are made, as Docker does. */
function makeFolders(project: Project, key: string, { volumes = [] }: Service): void {
  for (const [index, { type, source, bind }] of volumes.entries()) {
    if (type !== 'bind' || source === undefined || existsSync(source)) continue;
    const where = () => project.where(['services', key, 'volumes', index]);
    if (!bind?.create_host_path)
      throw new FosterError(`${where()}: ${source} does not exist`, {
        kind: 'invalid',
        exitCode: 1,
        advice: 'create it first',
      });
    try {
      mkdirSync(source, { recursive: true });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new FosterError(`${where()}: cannot create ${source}: ${message}`, { exitCode: 1, cause: error });
    }
  }
}

/**
 * The mounts of a container that takes the place of another: in place of new volumes without a name, it gets those of the other
 * one, at the same places.
 */
function withKeptVolumes({ instead, renewsVolumes }: Wanted, mounts: RequestedMount[]): RequestedMount[] {
  if (instead === undefined || renewsVolumes) return mounts;
  const isNew = ({ type, source }: RequestedMount) => type === 'volume' && source === '';
  const taken = new Set(mounts.filter((one) => !isNew(one)).map(({ destination }) => destination));
  const { volumes = [] } = instead.container.record;
  const kept = volumes
    .filter(({ name, destination }) => readVolume(name)?.isAnonymous && !taken.has(destination))
    .map(({ name, destination }): RequestedMount => {
      const own = mounts.find((one) => one.destination === destination);
      const options = own?.options ?? ['rbind', 'rprivate'];
      return { destination, type: 'volume', source: name, options, isBorrowed: true };
    });
  const places = new Set(kept.map(({ destination }) => destination));
  return [...mounts.filter(({ destination }) => !places.has(destination)), ...kept];
}

/** Puts secrets and configs that are no files of the host into a container. */
async function copyFiles(
  { project, service: key, change = (one) => one }: Wanted,
  id: string,
): Promise<void> {
  const original = project.services[key];
  if (original === undefined) return;
  const service = change(original);
  const files = (['secrets', 'configs'] as const).flatMap((kind) =>
    (service[kind] ?? []).flatMap((use) => {
      const content = contentOf(project, kind, use.source);
      return content === undefined ? [] : [{ path: placeOf(kind, use), content, use }];
    }),
  );
  if (files.length === 0) return;
  const { putFiles } = await import('../../container/copy/put-files.js');
  const { findContainer } = await import('../../container/store.js');
  putFiles(
    findContainer(id),
    files.map(({ path, content, use: { uid = '0', gid = '0', mode = 0o444 } }) => ({
      path,
      content: Buffer.from(content),
      uid: Number(uid),
      gid: Number(gid),
      mode,
    })),
  );
}
