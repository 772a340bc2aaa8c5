import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { FosterError } from '../sys/errors.js';
import { writeFileAtomically } from '../sys/files.js';
import { lockFile } from '../sys/libc.js';
import { containerFolder, dataFolder, makeFolder } from '../sys/paths.js';
import { type ContainerRecord, recordJson } from './record.js';
import { readContainer } from './store.js';

/** Runs `work` while no other command changes an existing container or cleans up names. It must be quick: others wait. */
export function withStoreLock<T>(work: () => T): T {
  makeFolder(dataFolder());
  const lock = openSync(join(dataFolder(), 'lock'), 'a+', 0o600);
  try {
    lockFile(lock, { wait: true });
    return work();
  } finally {
    closeSync(lock);
  }
}

/**
 * Changes a container's record. It is read again, because the caller's copy may be out of date. The caller must hold the
 * store's lock.
 * @throws FosterError if the container was removed meanwhile
 */
export function changeRecord(id: string, change: (record: ContainerRecord) => ContainerRecord): void {
  const container = readContainer(id);
  if (container === undefined) {
    throw new FosterError(`no such container: ${id.slice(0, 12)}`, {
      advice: 'it has just been removed',
      exitCode: 1,
    });
  }
  const { record } = container;
  const text = recordJson(change(record));
  writeFileAtomically(join(containerFolder(id), 'config.json'), text, { durable: !record.rm });
}
