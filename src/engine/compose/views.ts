import { LABEL } from '../../compose/labels.js';
import type { Project } from '../../compose/project.js';
import { inPortOrder } from '../../container/exposed-ports.js';
import { type Container, readHealth, statusWord } from '../../container/store.js';
import { findImage } from '../../image/store/images.js';
import { parseReference } from '../../image/store/reference.js';
import { imageSize } from '../../image/store/size.js';
import { containerRow } from '../views/container-row.js';
import { humanSince } from '../views/duration.js';
import { imageInfo } from '../views/image-info.js';
import { hostAddress } from '../views/ports.js';
import { decimalSize } from '../views/size.js';
import { imageOf } from './make.js';
import { allContainersOf, type ProjectContainer, projectNames } from './state.js';

/** A container as `docker compose ps` shows it; with these names in JSON and templates. */
export interface PsRow {
  ID: string;
  Name: string;
  Image: string;
  Command: string;
  Project: string;
  Service: string;
  Created: number;
  CreatedAt: string;
  RunningFor: string;
  State: string;
  Status: string;
  Health: string;
  ExitCode: number;
  Ports: string;
  Publishers: { URL: string; TargetPort: number; PublishedPort: number; Protocol: string }[];
  Labels: string;
  Networks: string;
  Mounts: string;
}

export function psRow({ container, service }: ProjectContainer): PsRow {
  const { record, state } = container;
  const { fields } = containerRow(container, Date.now());
  return {
    ID: record.id,
    Name: record.name,
    Image: record.root,
    Command: fields.Command,
    Project: record.labels[LABEL.project] ?? '',
    Service: service,
    Created: Math.floor(Date.parse(record.created) / 1000),
    CreatedAt: record.created,
    RunningFor: fields.RunningFor,
    State: fields.State,
    Status: fields.Status,
    Health:
      record.health === undefined || state.status !== 'running' ? '' : (readHealth(record.id)?.status ?? ''),
    ExitCode: state.exitCode ?? 0,
    Ports: fields.Ports,
    Publishers: inPortOrder(record.published ?? []).map(({ hostIp, hostPort, containerPort, protocol }) => ({
      URL: hostIp === '' ? '0.0.0.0' : hostIp,
      TargetPort: containerPort,
      PublishedPort: hostPort,
      Protocol: protocol,
    })),
    Labels: fields.Labels,
    Networks: fields.Networks,
    Mounts: fields.Mounts,
  };
}

/** The image of a container as `docker compose images` shows it. */
export interface ImageRow {
  ID: string;
  ContainerName: string;
  Repository: string;
  Tag: string;
  Platform: string;
  Size: string;
  Created: string;
}

export function imageRow({ container }: ProjectContainer): ImageRow {
  const { record } = container;
  const found = record.image && findImage(record.image.digest);
  const info = found && imageInfo(found);
  const { repository, tag } = nameOf(record.image?.name ?? record.root);
  return {
    ID: found?.id ?? '',
    ContainerName: record.name,
    Repository: repository,
    Tag: tag,
    Platform: info?.platform ?? '',
    Size: found === undefined ? '' : decimalSize(imageSize(found)),
    Created: info?.created === undefined ? '' : `${humanSince(info.created.toISOString(), Date.now())} ago`,
  };
}

function nameOf(name: string): { repository: string; tag: string } {
  const { registry, repository, tag } = parseReference(name);
  const short = registry === 'docker.io' ? repository.replace(/^library\//, '') : `${registry}/${repository}`;
  return { repository: short, tag: tag ?? '<none>' };
}

/** A published port of a service: `0.0.0.0:8080`; undefined if it is not published. */
export function publishedAddress(
  { container }: ProjectContainer,
  port: number,
  protocol: string,
): string | undefined {
  const found = container.record.published?.find(
    (one) => one.containerPort === port && one.protocol === protocol,
  );
  return found && hostAddress(found);
}

/** A project as `docker compose ls` shows it. */
export interface ProjectRow {
  Name: string;
  Status: string;
  ConfigFiles: string;
}

/** @param all include those without a running container */
export function projectRows(all: boolean): ProjectRow[] {
  return projectNames().flatMap((name) => {
    const containers = allContainersOf(name);
    const states = new Map<string, number>();
    for (const { container } of containers) {
      const word = wordOf(container);
      states.set(word, (states.get(word) ?? 0) + 1);
    }
    if (!all && !states.has('running')) return [];
    const Status = [...states]
      .map(([word, count]) => `${word}(${count})`)
      .sort()
      .join(', ');
    return [{ Name: name, Status, ConfigFiles: containers[0]?.container.record.labels[LABEL.files] ?? '' }];
  });
}

function wordOf({ state }: Container): string {
  return statusWord(state);
}

/** The names of the images of services, as `config --images` prints them. */
export function imageNames(project: Project, services: readonly string[]): string[] {
  const chosen = services.length > 0 ? services : Object.keys(project.services);
  return [...new Set(chosen.map((name) => imageOf(project, name)))];
}
