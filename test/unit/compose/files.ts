import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import type { ProjectChoice } from '../../../src/compose/discover.js';
import { type Opening, openProject } from '../../../src/compose/open.js';
import type { Project } from '../../../src/compose/project.js';

/** A folder `app` with files: contents by name. It is removed after the tests. */
export function folderWith(files: Record<string, string>): string {
  const top = mkdtempSync(join(tmpdir(), 'foster-compose-test-'));
  const folder = join(top, 'app');
  mkdirSync(folder);
  after(() => rmSync(top, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

export interface Read {
  project: Project;
  warnings: string[];
}

/** Reads the project of a folder. */
export function read(
  files: Record<string, string>,
  opening: Partial<Opening> = {},
  env: Record<string, string> = {},
): Read & { folder: string } {
  const folder = folderWith(files);
  const warnings: string[] = [];
  const choice: ProjectChoice = { files: [], envFiles: [], profiles: [], ...opening };
  const project = openProject(
    { ...choice, ...opening },
    {
      cwd: folder,
      env: { HOME: '/home/me', ...env },
      readInput: () => '',
      warn: (sentence) => void warnings.push(sentence),
    },
  );
  return { project, warnings, folder };
}

/** The message of the error for a compose.yaml. */
export function errorOf(
  text: string,
  more: Record<string, string> = {},
  opening: Partial<Opening> = {},
): string {
  try {
    read({ 'compose.yaml': text, ...more }, opening);
  } catch (error) {
    if (error instanceof Error && 'sentence' in error) return String(error.sentence);
    throw error;
  }
  throw new Error('there was no error');
}

/** The only service, or the one called web, of a compose.yaml that has its fields. */
export function serviceOf(fields: string, env: Record<string, string> = {}): Project['services'][string] {
  const text = `services:\n  web:\n    image: busybox\n${fields
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')}\n`;
  const { project } = read({ 'compose.yaml': text }, {}, env);
  const { web } = project.services;
  if (web === undefined) throw new Error('no service web');
  return web;
}
