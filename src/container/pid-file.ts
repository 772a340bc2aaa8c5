import { writeFileSync } from 'node:fs';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import type { ContainerRecord } from './record.js';
import { readLive } from './store.js';

/**
 * Writes the file of --pidfile, if there is one: the pid of PID 1 in the host's numbers.
 * @param pid if the container's record does not have it yet
 * @throws FosterError
 */
export function writePidFile(record: ContainerRecord, pid = readLive(record.id)?.pid): void {
  const path = record.asked?.pidfile;
  if (path === undefined || pid === undefined) return;
  try {
    writeFileSync(path, `${pid}`);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    throw new FosterError(`cannot write the pid file ${path}: ${errnoWords(errnoNumber(code))}`, {
      cause: error,
    });
  }
}
