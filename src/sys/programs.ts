import { accessSync, constants, openSync } from 'node:fs';
import { surroundings } from './surroundings.js';

/**
 * The absolute path of a program on the host; undefined if it is not installed. Tries the system's folders first,
 * because most programs are there and each other folder takes 0.2 ms.
 */
export function findProgram(name: string): string | undefined {
  const system = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];
  const folders = [...system, ...(surroundings().env.PATH ?? '').split(':')];
  for (const folder of folders) {
    if (!folder.startsWith('/')) continue;
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return `${folder}/${name}`;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** Opens an executable, which can be executed by its descriptor. The caller must close it. */
export function openProgram(path: string): number {
  const O_PATH = 0o10000000;
  const O_CLOEXEC = 0o2000000;
  return openSync(path, O_PATH | O_CLOEXEC);
}
