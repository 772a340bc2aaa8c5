import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file so that whoever reads it, and whatever is killed meanwhile, finds the old content or the new one:
 * to a temporary name, then renamed. `durable`: also after the machine lost its power (fsync(2)).
 */
export function writeWhole(path: string, text: string, options: { durable: boolean }): void {
  const fresh = `${path}.new`;
  const fd = openSync(fresh, 'w', 0o600);
  try {
    writeSync(fd, text);
    if (options.durable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
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
