import { readFileSync } from 'node:fs';
import type { ProjectChoice } from '../../compose/discover.js';
import type { Project, Service } from '../../compose/project.js';
import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';

export type { Project, ProjectChoice, Service };

/** What a command wants of a project. */
export interface Wish {
  choice: ProjectChoice;
  /** Absolute path: the caller's working directory. */
  cwd: string;
  /** The services that the command names: their profiles are active. */
  named?: readonly string[];
  /** It is about containers that exist: compose/open.ts. */
  isForExisting?: boolean;
}

/** Reads a project, and checks that the named services are in it. @throws FosterError that says where something is wrong */
export async function openProject({
  choice,
  cwd,
  named = [],
  isForExisting = false,
}: Wish): Promise<Project> {
  const { openProject: open } = await import('../../compose/open.js');
  const caller = callerAt(cwd);
  const project = open({ ...choice, named, isForExisting }, caller);
  checkServices(project, named);
  return project;
}

/** The names of all services in the files of a folder, for completion; none if there is something wrong with them. */
export async function serviceNames(cwd: string): Promise<string[]> {
  const { openProject: open } = await import('../../compose/open.js');
  try {
    const choice = { files: [], envFiles: [], profiles: [], isForExisting: true };
    return Object.keys(open(choice, { ...callerAt(cwd), warn() {} }).services);
  } catch {
    return [];
  }
}

function callerAt(cwd: string) {
  const { env, warn } = surroundings();
  return { cwd, env, warn, readInput: () => readFileSync(0, 'utf8') };
}

/** @throws FosterError for a service that the project does not have */
export function checkServices({ services, name }: Project, named: readonly string[]): void {
  const missing = named.find((one) => services[one] === undefined);
  if (missing === undefined) return;
  throw new FosterError(`no such service: ${missing}`, {
    kind: 'not-found',
    advice: `the project ${name} has ${Object.keys(services).join(', ')}`,
    exitCode: 1,
  });
}

/**
 * The project of a command that looks after containers that exist: its name, and its files if they can be found. With -p, a
 * project can be stopped and removed from anywhere.
 */
export async function findProject(wish: Wish): Promise<{ name: string; project: Project | undefined }> {
  const { choice } = wish;
  try {
    const project = await openProject({ ...wish, isForExisting: true });
    return { name: project.name, project };
  } catch (error) {
    const name = choice.name ?? surroundings().env.COMPOSE_PROJECT_NAME;
    const isWithoutFiles = error instanceof FosterError && error.kind === 'not-found';
    if (!isWithoutFiles || name === undefined || choice.files.length > 0) throw error;
    const { checkProjectName } = await import('../../compose/discover.js');
    return { name: checkProjectName(name, '--project-name'), project: undefined };
  }
}

/** The content of a secret or config that is not a file. */
export function contentOf(project: Project, kind: 'secrets' | 'configs', key: string): string | undefined {
  const source = project[kind][key];
  if (source === undefined || source.file !== undefined) return undefined;
  return source.content ?? project.env[source.environment ?? ''];
}
