import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { faultPoint } from './fault.js';

/**
 * Replaces the content of a file atomically, by writing a temporary file and renaming it: readers find either the old
 * or the new content, whatever is killed meanwhile. `durable`: also after a power failure (fsync(2)).
 * @throws Error of node:fs, for example ENOSPC; the old content is then unchanged
 */
export function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  options: { durable: boolean },
): void {
  const fresh = `${path}.new`;
  const fd = openSync(fresh, 'w', 0o600);
  try {
    writeFileSync(fd, content); // one write(2) may write only a part if the disk is nearly full
    if (options.durable) fsyncSync(fd);
    faultPoint(`${basename(fresh)} written`);
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  faultPoint(`${basename(path)} renamed`);
  if (options.durable) syncFolder(dirname(path));
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
