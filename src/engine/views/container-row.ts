import { readlinkSync } from 'node:fs';
import { volumeAt, volumesOf } from '../../container/record.js';
import {
  type Container,
  type ContainerState,
  isAlive,
  readHealth,
  statusWord,
} from '../../container/store.js';
import { networkNames } from './container-network.js';
import { humanSince } from './duration.js';
import { portsText } from './ports.js';
import { decimalSize } from './size.js';

/** The fields of `ps --format json`, which have Docker's names. */
export type ContainerField =
  | 'ID'
  | 'Image'
  | 'Command'
  | 'RunningFor'
  | 'Status'
  | 'Ports'
  | 'Names'
  | 'CreatedAt'
  | 'State'
  | 'Labels'
  | 'LocalVolumes'
  | 'Mounts'
  | 'Networks'
  | 'Size';

/** Additional fields for templates, which have Podman's names. */
export type ContainerDetail =
  | 'AutoRemove'
  | 'Created'
  | 'CreatedHuman'
  | 'Exited'
  | 'ExitedAt'
  | 'ExitCode'
  | 'ImageID'
  | 'IsInfra'
  | 'Pid'
  | 'Pod'
  | 'PodName'
  | 'Restarts'
  | 'StartedAt'
  | NamespaceField;

export const NAMESPACE_FIELDS = ['CGROUPNS', 'IPC', 'MNT', 'NET', 'PIDNS', 'USERNS', 'UTS'] as const;

type NamespaceField = (typeof NAMESPACE_FIELDS)[number];

/** A container as a row of `docker ps --no-trunc`, with the data for a shortened row. */
export interface ContainerRow {
  fields: Record<ContainerField, string>;
  /** A table without them is the usual one, so they are made on demand. */
  details: () => Record<ContainerDetail, string | number | boolean>;
  command: string[];
  labels: Record<string, string>;
  /** The size in bytes of what it has written; 0 if that was not requested. */
  written: number;
}

/** Fields that are determined only on request, because that takes time. */
export interface RowExtras {
  /** The size of what it has written, and of all its files, in bytes. */
  size?: { written: number; total: number } | undefined;
  imageID?: string | undefined;
  namespaces?: boolean | undefined;
  /** The name of its pod. */
  podName?: string | undefined;
  /** False: without its mounts and networks, for which its whole record has to be parsed. */
  isWhole?: boolean | undefined;
}

/** @param now in milliseconds since 1970 */
export function containerRow(
  container: Container,
  now: number,
  { size, namespaces, imageID = '', podName = '', isWhole = true }: RowExtras = {},
): ContainerRow {
  const { command, labels, rm, created, isInfra = false, pod = '' } = container.record;
  const { state } = container;
  const written = size?.written ?? 0;
  const virtual = size === undefined ? '' : ` (virtual ${decimalSize(size.total)})`;
  return {
    fields: {
      ...fieldsOf(container, now),
      ...(isWhole ? specFieldsOf(container) : NO_SPEC_FIELDS),
      Size: `${decimalSize(written)}${virtual}`,
    },
    // keeps these few values, and not the record with its text
    details: () => ({
      ...detailsOf({ rm, created, isInfra, pod }, state, now),
      ImageID: imageID,
      PodName: podName,
      ...namespacesOf(namespaces ? state.pid : 0),
    }),
    command,
    labels,
    written,
  };
}

/** What rows can be sorted by, in Podman's words. */
export const CONTAINER_ORDERS = [
  'command',
  'created',
  'id',
  'image',
  'names',
  'runningfor',
  'size',
  'status',
] as const;

export type ContainerOrder = (typeof CONTAINER_ORDERS)[number];

/** Sorts rows: in ascending order, or without one the newest first. Equal rows are from the newest to the oldest. */
export function inOrder(unsorted: ContainerRow[], order: ContainerOrder | undefined): ContainerRow[] {
  const created = new Map(unsorted.map((row) => [row, Date.parse(row.fields.CreatedAt)]));
  const rows = unsorted.toSorted((a, b) => (created.get(b) ?? 0) - (created.get(a) ?? 0));
  if (order === undefined) return rows;
  const keys: Record<ContainerOrder, (row: ContainerRow) => string | number> = {
    command: ({ command }) => command.join(' '),
    created: ({ fields }) => Date.parse(fields.CreatedAt),
    id: ({ fields }) => fields.ID,
    image: ({ fields }) => fields.Image,
    names: ({ fields }) => fields.Names,
    runningfor: ({ fields }) => Date.parse(fields.CreatedAt),
    size: ({ written }) => written,
    status: ({ fields }) => fields.State,
  };
  const key = keys[order];
  return rows.toSorted((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
}

const NO_SPEC_FIELDS = { LocalVolumes: '', Mounts: '', Networks: '' };

/** The fields for which the Spec is needed. */
function specFieldsOf({ record }: Container): typeof NO_SPEC_FIELDS {
  const binds = record.spec.mounts.filter(({ type }) => type === 'bind');
  return {
    LocalVolumes: String(volumesOf(record).length),
    Mounts: binds.map(({ source, destination }) => volumeAt(record, destination)?.name ?? source).join(','),
    Networks: networkNames(record).join(','),
  };
}

function fieldsOf(
  { record, state }: Container,
  now: number,
): Record<Exclude<ContainerField, 'Size' | keyof typeof NO_SPEC_FIELDS>, string> {
  return {
    ID: record.id,
    Image: record.root,
    Command: JSON.stringify(record.command.join(' ')),
    RunningFor: `${humanSince(record.created, now)} ago`,
    Status: withHealth(statusOf(state, now), record, state),
    Ports: isAlive(state) ? portsText(record) : '',
    Names: record.name,
    CreatedAt: record.created,
    State: statusWord(state),
    Labels: Object.entries(record.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  };
}

function detailsOf(
  { rm, created, isInfra, pod }: { rm: boolean; created: string; isInfra: boolean; pod: string },
  state: ContainerState,
  now: number,
): Record<Exclude<ContainerDetail, NamespaceField | 'ImageID' | 'PodName'>, string | number | boolean> {
  return {
    AutoRemove: rm,
    Created: seconds(created),
    CreatedHuman: `${humanSince(created, now)} ago`,
    Exited: state.status === 'exited' || state.status === 'dead',
    ExitedAt: seconds(state.finishedAt),
    ExitCode: state.exitCode ?? 0,
    IsInfra: isInfra,
    Pid: state.pid,
    Pod: pod,
    Restarts: state.restarts,
    StartedAt: seconds(state.startedAt),
  };
}

/** Seconds since 1970; Go's zero time for something that has not happened, as in Podman. */
function seconds(instant: string | undefined): number {
  return instant === undefined ? -62_135_596_800 : Math.floor(Date.parse(instant) / 1000);
}

/** @param pid 0 for none */
function namespacesOf(pid: number): Record<NamespaceField, string> {
  const names: Record<NamespaceField, string> = {
    CGROUPNS: 'cgroup',
    IPC: 'ipc',
    MNT: 'mnt',
    NET: 'net',
    PIDNS: 'pid',
    USERNS: 'user',
    UTS: 'uts',
  };
  for (const field of NAMESPACE_FIELDS) names[field] = pid === 0 ? '' : namespaceOf(pid, names[field]);
  return names;
}

/** `4026531835`; '' if the process has just ended. */
function namespaceOf(pid: number, name: string): string {
  try {
    return /\d+/.exec(readlinkSync(`/proc/${pid}/ns/${name}`))?.[0] ?? '';
  } catch {
    return '';
  }
}

/** Docker's wording: `Up 3 minutes`, `Exited (0) 2 hours ago`, `Created`. */
function statusOf(state: ContainerState, now: number): string {
  switch (statusWord(state)) {
    case 'running':
      return state.startedAt === undefined ? 'Up' : `Up ${humanSince(state.startedAt, now)}`;
    case 'exited': {
      const since = state.finishedAt === undefined ? '' : ` ${humanSince(state.finishedAt, now)} ago`;
      return `Exited (${state.exitCode ?? '?'})${since}`;
    }
    case 'paused':
      return `Up ${since(state.startedAt, now)} (Paused)`;
    case 'stopping':
      return `Up ${since(state.startedAt, now)} (Stopping)`;
    case 'restarting':
      return `Restarting (${state.exitCode ?? '?'}) ${since(state.finishedAt, now)} ago`;
    case 'created':
      return 'Created';
    case 'dead':
      return 'Dead (its monitor was killed)';
  }
}

/** `Up 3 minutes (healthy)` if the container is running and has a health check. */
function withHealth(status: string, { id, health }: Container['record'], state: ContainerState): string {
  const current = health === undefined || state.status !== 'running' ? undefined : readHealth(id)?.status;
  if (current === undefined) return status;
  return `${status} (${current === 'starting' ? 'health: starting' : current})`;
}

function since(instant: string | undefined, now: number): string {
  return instant === undefined ? 'some time' : humanSince(instant, now);
}
