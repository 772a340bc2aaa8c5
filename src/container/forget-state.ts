import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../sys/paths.js';
import { eventsFile } from './events/recorder.js';

/** Removes what containers and images leave in the data folder: events, and the result of probing storage drivers. */
export function forgetState(): void {
  for (const path of [eventsFile(), `${eventsFile()}.1`, join(dataFolder(), 'storage')])
    rmSync(path, { force: true });
}
