import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../sys/paths.js';
import { eventsFile } from './events/recorder.js';

/** Removes what is left in the data folder when containers and images are gone: events, and the storage driver that was found. */
export function forgetState(): void {
  for (const path of [eventsFile(), `${eventsFile()}.1`, join(dataFolder(), 'storage')])
    rmSync(path, { force: true });
}
