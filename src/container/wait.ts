import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { FosterError } from '../sys/errors.js';
import { containerFolder } from '../sys/paths.js';
import { waitFor } from '../sys/poll.js';
import { parseEvent } from './events/line.js';
import { eventsFile } from './events/recorder.js';
import { hasEnded, isRunning } from './signal.js';
import { type Container, isAlive, isLocked, readLive } from './store.js';

/**
 * Waits until a container has ended for good, through all restarts, and returns its exit code. If it is not running, the
 * function returns at once: its last exit code, or 0 if it was never started.
 * @throws FosterError if it was removed meanwhile and its exit code is unknown
 */
export async function waitForContainer({ record, state }: Container): Promise<number> {
  const { id, name } = record;
  if (!isAlive(state)) return state.exitCode ?? 0;
  const events = eventsEnd();
  const folder = openSync(containerFolder(id), 'r');
  try {
    for (let delay = 1; isLocked(id); delay = Math.min(delay * 2, 100)) {
      const live = readLive(id);
      if (isRunning(live)) {
        await hasEnded(live, Infinity);
        delay = 1;
      }
      await waitFor(delay);
    }
    const code = exitIn(folder) ?? exitInEvents(id, events);
    if (code !== undefined) return code;
    if (readLive(id) !== undefined) return 137; // its monitor was killed, which has killed the container
    throw new FosterError(`container ${name} was removed, and its exit code is unknown`, {
      kind: 'not-found',
      exitCode: 1,
    });
  } finally {
    closeSync(folder);
  }
}

/** Reads `exit` by the descriptor of the folder, because the folder may have been removed or replaced meanwhile. */
function exitIn(folder: number): number | undefined {
  try {
    return Number.parseInt(readFileSync(`/proc/self/fd/${folder}/exit`, 'latin1'), 10);
  } catch {
    return undefined;
  }
}

function eventsEnd(): number {
  try {
    const fd = openSync(eventsFile(), 'r');
    try {
      return fstatSync(fd).size;
    } finally {
      closeSync(fd);
    }
  } catch {
    return 0;
  }
}

/** The exit code in the last `die` event of the container since the events file had `start` bytes. */
function exitInEvents(id: string, start: number): number | undefined {
  const MOST = 16 * 1024 * 1024; // the file is kept shorter than that
  try {
    const fd = openSync(eventsFile(), 'r');
    try {
      const { size } = fstatSync(fd);
      // a file that is shorter than before was rotated meanwhile
      const from = Math.max(size < start ? 0 : start, size - MOST);
      const buffer = Buffer.alloc(size - from);
      const text = buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, from));
      const deaths = text.split('\n').flatMap((line) => {
        const event = parseEvent(line);
        return event?.action === 'die' && event.id === id ? Number(event.attributes.exitCode) : [];
      });
      return deaths.at(-1);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
