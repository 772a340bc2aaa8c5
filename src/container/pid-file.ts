import { writeFileSync } from 'node:fs';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import type { ContainerRecord } from './record.js';
import { readLive } from './store.js';

/**
 * With --pidfile, writes the host's PID of the container's PID 1 to the file.
 * @param pid needed if the container's `live` file does not have it yet
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
