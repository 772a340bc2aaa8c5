import { accessSync, constants, openSync } from 'node:fs';
import { surroundings } from './surroundings.js';

/**
 * The absolute path of a program on the host; undefined if it is not installed. Tries the system's folders first,
 * because most programs are there and each other folder takes 0.2 ms.
 */
export function findProgram(name: string): string | undefined {
  return findIn(programFolders(), name);
}

/** As `findProgram`, in the order of the caller's PATH only: for programs that people choose, or wrap, themselves. */
export function findOnPath(name: string): string | undefined {
  return findIn(pathFolders(), name);
}

function findIn(folders: readonly string[], name: string): string | undefined {
  for (const folder of folders) {
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return `${folder}/${name}`;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** Where programs of the host are looked for, in that order. */
export function programFolders(): string[] {
  const system = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];
  return [...system, ...pathFolders()];
}

function pathFolders(): string[] {
  return (surroundings().env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/'));
}

/** Opens an executable, which can be executed by its descriptor. The caller must close it. */
export function openProgram(path: string): number {
  const O_PATH = 0o10000000;
  const O_CLOEXEC = 0o2000000;
  return openSync(path, O_PATH | O_CLOEXEC);
}
