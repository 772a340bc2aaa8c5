import { existsSync } from 'node:fs';
import { access, constants, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../sys/errno.js';
import { unescaped } from '../sys/mount.js';
import { programFolders } from '../sys/programs.js';

/** Asynchronous looks at files. Each waits in a thread of its own, and none keeps another one from its answer. */

/** The text of a file; '' if it cannot be read. */
export async function textOf(path: string, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<string> {
  return await readFile(path, encoding).catch(() => '');
}

export async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** The folders on the way to a path, itself included, that do not exist: the deepest first. */
export function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder) && folder !== '/'; folder = dirname(folder))
    missing.push(folder);
  return missing;
}

/** The folder itself if it exists, else the nearest one above it that does. */
export async function existingFolder(path: string): Promise<string> {
  let folder = path;
  while (folder !== '/' && !(await isThere(folder))) folder = dirname(folder);
  return folder;
}

/** Whether access(2) permits to write. */
export async function isWritable(path: string): Promise<boolean> {
  return await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** Opens a device for reading and writing, and closes it. @returns the name of the errno; undefined if that works */
export async function errnoOfOpening(path: string): Promise<string | undefined> {
  try {
    await (await open(path, constants.O_RDWR | constants.O_NONBLOCK)).close();
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? 'EIO';
  }
}

/** As `findProgram` of src/sys. */
export async function programPath(name: string): Promise<string | undefined> {
  for (const folder of programFolders()) {
    const path = `${folder}/${name}`;
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

/**
 * The mount that a file is in.
 * @param path absolute, without links
 * @param mountinfo the text, as latin1, of /proc/self/mountinfo: proc_pid_mountinfo(5)
 */
export function mountOf(path: string, mountinfo: string): { folder: string; options: string[] } | undefined {
  let found: { folder: string; options: string[] } | undefined;
  for (const line of mountinfo.split('\n')) {
    const [, , , , escaped = '', options = ''] = line.split(' ');
    const folder = unescaped(escaped);
    const isAbove = folder === '/' || path === folder || path.startsWith(`${folder}/`);
    // of several mounts at one place, the last is on top
    if (isAbove && folder !== '' && folder.length >= (found?.folder.length ?? 0))
      found = { folder, options: options.split(',') };
  }
  return found;
}
