import { LABEL } from '../../compose/labels.js';
import { type Container, eachContainer, readContainer } from '../../container/store.js';

/** A container of a project. */
export interface ProjectContainer {
  container: Container;
  id: string;
  name: string;
  service: string;
  /** 1 for the first of its service; 0 for one of `run`. */
  number: number;
  hash: string;
  isOneOff: boolean;
}

/** The containers of a project, ordered by service and number, without those of `run`, and those that others take the place of. */
export function containersOf(project: string): ProjectContainer[] {
  const all = serviceContainersOf(project);
  return all.filter(
    (one) =>
      !isReplaced(one) ||
      !all.some((other) => other !== one && other.service === one.service && other.number === one.number),
  );
}

/** As `containersOf`, with those that others take the place of: a command is at it, or was killed. */
export function serviceContainersOf(project: string): ProjectContainer[] {
  return allContainersOf(project).filter(({ isOneOff }) => !isOneOff);
}

/** The name of a container that another one takes the place of. */
export function replacedName(id: string, name: string): string {
  return `${id.slice(0, 12)}_${name}`;
}

function isReplaced({ id, name }: ProjectContainer): boolean {
  return name.startsWith(replacedName(id, ''));
}

/** The containers of a project, those of `run`, too. */
export function allContainersOf(project: string): ProjectContainer[] {
  const found = Array.from(eachContainer(), projectContainer).filter(
    (one) => one?.container.record.labels[LABEL.project] === project,
  );
  return found
    .filter((one) => one !== undefined)
    .toSorted((one, other) =>
      one.service === other.service ? one.number - other.number : one.service < other.service ? -1 : 1,
    );
}

/** The container with this id; undefined if it is gone, or of no project. */
export function findProjectContainer(id: string): ProjectContainer | undefined {
  const container = readContainer(id);
  return container && projectContainer(container);
}

/** undefined for a container of no project. */
export function projectContainer(container: Container): ProjectContainer | undefined {
  const { id, name, labels } = container.record;
  if (labels[LABEL.project] === undefined) return undefined;
  const isOneOff = labels[LABEL.oneOff] === 'True';
  return {
    container,
    id,
    name,
    service: labels[LABEL.service] ?? '',
    number: Number(labels[LABEL.number] ?? 0),
    hash: labels[LABEL.hash] ?? '',
    isOneOff,
  };
}

/** The names of all projects that have containers, sorted. */
export function projectNames(): string[] {
  const names = Array.from(eachContainer(), ({ record }) => record.labels[LABEL.project]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

/** What a service of a container needs, as its label says: for projects whose files are gone. */
export function needsInLabel({ container }: ProjectContainer): string[] {
  const text = container.record.labels[LABEL.dependsOn] ?? '';
  return text.split(',').flatMap((one) => one.split(':')[0] || []);
}
