import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { faultPoint } from './fault.js';

/**
 * Writes a file so that whoever reads it, and whatever is killed meanwhile, finds the old content or the new one:
 * to a temporary name, then renamed. `durable`: also after the machine lost its power (fsync(2)).
 * @throws Error of node:fs, ENOSPC among them; the old content is as it was then
 */
export function writeWhole(path: string, text: string, options: { durable: boolean }): void {
  const fresh = `${path}.new`;
  const fd = openSync(fresh, 'w', 0o600);
  try {
    writeFileSync(fd, text); // one write(2) may take a part only, where the disk is about to be full
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
