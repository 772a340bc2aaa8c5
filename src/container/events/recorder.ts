import {
  appendFileSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../sys/errno.js';
import { faultPoint } from '../../sys/fault.js';
import { lockFile } from '../../sys/libc.js';
import { dataFolder, makeFolder } from '../../sys/paths.js';
import type { ContainerRecord } from '../record.js';
import { type EventAction, formatEvent } from './line.js';

/** What has happened: a line for each event. `events.1` has what was before, when that had grown too long. */
export function eventsFile(): string {
  return join(dataFolder(), 'events');
}

/** From this size on the file is emptied; so much of it is kept. */
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_KEPT = 8 * 1024 * 1024;

/**
 * Notes that something happened to a container, for `foster events`, in one append of a whole line. What cannot be
 * written is not told: no command fails for it.
 */
export function recordEvent(
  action: EventAction,
  { id, name }: { id: string; name: string },
  attributes: Record<string, string> = {},
): void {
  const line = formatEvent({ time: Date.now(), action, id, name, attributes });
  try {
    const fd = openForAppending();
    try {
      writeSync(fd, line);
      faultPoint(`event ${action} noted`);
      if (fstatSync(fd).size <= MOST_BYTES) return;
    } finally {
      closeSync(fd);
    }
    trimEvents();
  } catch {
    // a full disk: what the command is for matters more
  }
}

/** What Docker tells of a container with each event: its image and its labels. */
export function attributesOf({
  root,
  labels,
}: Pick<ContainerRecord, 'root' | 'labels'>): Record<string, string> {
  return { ...labels, image: root };
}

/** For a monitor to append to; where that is not possible, what it notes is lost. */
export function openEvents(): number {
  try {
    return openForAppending();
  } catch {
    return openSync('/dev/null', 'w');
  }
}

function openForAppending(): number {
  try {
    return openSync(eventsFile(), 'a', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeFolder(dataFolder());
    return openSync(eventsFile(), 'a', 0o600);
  }
}

/**
 * Moves what is in the file to `events.1`, once it has grown too long. Monitors keep the file open for days, so it is
 * emptied, not renamed: what they append next is at its start. Of several who notice at once one does it.
 */
export function trimEvents(): void {
  try {
    const fd = openSync(eventsFile(), 'r+');
    try {
      if (fstatSync(fd).size > MOST_BYTES && lockFile(fd, { wait: false })) putAside(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // there is none yet, or the disk is full: it goes on growing
  }
}

function putAside(fd: number): void {
  const { size } = fstatSync(fd);
  if (size <= MOST_BYTES) return; // somebody was faster
  const start = Math.max(size - MOST_KEPT, 0);
  const buffer = Buffer.alloc(size - start);
  const kept = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, start));
  const fresh = `${eventsFile()}.1.new`;
  writeFileSync(fresh, kept, { mode: 0o600 });
  const more = Buffer.alloc(64 * 1024); // what came while we wrote
  appendFileSync(fresh, more.subarray(0, readSync(fd, more, 0, more.length, size)));
  renameSync(fresh, `${eventsFile()}.1`);
  ftruncateSync(fd, 0);
}
