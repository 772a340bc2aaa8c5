import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, eachContainer, podOfName } from '../container/store.js';
import { isId } from '../spec/names.js';
import { errnoOf } from '../sys/errno.js';
import { EXIT, FosterError } from '../sys/errors.js';
import { podFolder, podsFolder } from '../sys/paths.js';
import { type PodRecord, parsePod } from './record.js';

/** A pod with its containers. */
export interface Pod {
  record: PodRecord;
  /** The infra container first, then the others, the oldest first. */
  containers: Container[];
}

/** Ids of all folders of pods, complete or not. */
export function storedPods(): string[] {
  try {
    return readdirSync(podsFolder()).filter(isId);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The definition of a pod; undefined if it is gone or was never finished. */
export function readPodRecord(id: string): PodRecord | undefined {
  const file = join(podFolder(id), 'config.json');
  if (!existsSync(file)) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const record = parsePod(text);
  return record?.id === id ? record : undefined;
}

/** The name of a pod; undefined if it is gone. */
export function podName(id: string): string | undefined {
  return readPodRecord(id)?.name;
}

/** All pods with their containers, in no particular order. */
export function listPods(): Pod[] {
  const ids = storedPods();
  if (ids.length === 0) return [];
  const members = new Map<string, Container[]>();
  for (const container of eachContainer()) {
    const { pod } = container.record;
    if (pod !== undefined) members.set(pod, [...(members.get(pod) ?? []), container]);
  }
  return ids.flatMap((id) => {
    const record = readPodRecord(id);
    return record === undefined ? [] : [{ record, containers: inOrder(members.get(id) ?? []) }];
  });
}

/** The containers of a pod. */
export function membersOf(pod: string): Container[] {
  return inOrder([...eachContainer()].filter(({ record }) => record.pod === pod));
}

function inOrder(containers: Container[]): Container[] {
  return containers.toSorted(
    (a, b) =>
      Number(b.record.isInfra ?? false) - Number(a.record.isInfra ?? false) ||
      Date.parse(a.record.created) - Date.parse(b.record.created),
  );
}

/**
 * Finds a pod by its name, its id or an unambiguous prefix of its id.
 * @throws FosterError if there is none, or more than one
 */
export function findPodRecord(reference: string): PodRecord {
  const id = isId(reference) ? reference : (podOfName(reference) ?? idWithPrefix(reference));
  const record = id === undefined ? undefined : readPodRecord(id);
  if (record !== undefined) return record;
  throw new FosterError(`no such pod: ${reference}`, {
    kind: 'not-found',
    advice: "'foster pod ps' lists them",
    exitCode: EXIT.FOSTER, // as in Podman, also of commands of pods
  });
}

/** As `findPodRecord`, with its containers. @throws FosterError */
export function findPod(reference: string): Pod {
  const record = findPodRecord(reference);
  return { record, containers: membersOf(record.id) };
}

function idWithPrefix(reference: string): string | undefined {
  if (!/^[0-9a-f]{1,63}$/.test(reference)) return undefined;
  const matches = storedPods().filter((id) => id.startsWith(reference));
  if (matches.length <= 1) return matches[0];
  throw new FosterError(`${reference} is the start of ${matches.length} pod ids`, {
    kind: 'conflict',
    advice: 'give more characters of it',
    exitCode: 1,
  });
}

/** The container that holds the namespaces of a pod. */
export function infraOf({ containers }: Pod): Container | undefined {
  return containers.find(({ record }) => record.isInfra);
}

/** The containers of a pod but the one that holds its namespaces. */
export function withoutInfra({ containers }: Pod): Container[] {
  return containers.filter(({ record }) => !record.isInfra);
}
