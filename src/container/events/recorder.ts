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
import { familiarReference } from '../../image/store/reference.js';
import { errnoOf } from '../../sys/errno.js';
import { faultPoint } from '../../sys/fault.js';
import { lockFile } from '../../sys/libc.js';
import { dataFolder, makeFolder } from '../../sys/paths.js';
import type { ContainerRecord } from '../record.js';
import {
  type ContainerEvent,
  type EventAction,
  formatEvent,
  type ImageAction,
  type NetworkAction,
  type PodAction,
  type VolumeAction,
} from './line.js';

/** The events file: a line for each event. `events.1` has earlier events, after a rotation. */
export function eventsFile(): string {
  return join(dataFolder(), 'events');
}

/** Size at which the file is rotated, and how much of it is kept. */
const MAX_SIZE = 4 * 1024 * 1024;
const KEPT_SIZE = 8 * 1024 * 1024;

/**
 * Records an event of a container for `foster events`, by appending a line with a single write. Errors are ignored: no
 * command should fail because of them.
 */
export function recordEvent(
  action: EventAction,
  { id, name }: { id: string; name: string },
  attributes: Record<string, string> = {},
): void {
  append({ type: 'container', action, id, name, attributes });
}

/** Records an event of an image. @param name the whole one that it is about; its id if there is none */
export function recordImageEvent(action: ImageAction, id: string, name: string = id): void {
  append({ type: 'image', action, id, name: name === id ? id : familiarReference(name), attributes: {} });
}

/** Records an event of a volume. */
export function recordVolumeEvent(action: VolumeAction, name: string): void {
  append({ type: 'volume', action, id: name, name, attributes: { driver: 'local' } });
}

/** Records an event of a network; `connect` and `disconnect` have the container's id. */
export function recordNetworkEvent(
  action: NetworkAction,
  { id, name }: { id: string; name: string },
  attributes: { container?: string } = {},
): void {
  append({ type: 'network', action, id, name, attributes: { type: 'bridge', ...attributes } });
}

/** Records an event of a pod, with its labels. */
export function recordPodEvent(
  action: PodAction,
  { id, name, labels }: { id: string; name: string; labels: Record<string, string> },
): void {
  append({ type: 'pod', action, id, name, attributes: labels });
}

function append(event: Omit<ContainerEvent, 'time'>): void {
  const line = formatEvent({ time: Date.now(), ...event });
  try {
    const fd = openForAppending();
    try {
      appendLine(fd, line);
      faultPoint(`event ${event.action} noted`);
      if (fstatSync(fd).size <= MAX_SIZE) return;
    } finally {
      closeSync(fd);
    }
    trimEvents();
  } catch {
    // a full disk: the command itself matters more
  }
}

/** Appends a line, or nothing if the disk is too full for all of it: half a line would spoil the next one. */
function appendLine(fd: number, line: string): void {
  const wrote = writeSync(fd, line);
  if (wrote < Buffer.byteLength(line)) ftruncateSync(fd, fstatSync(fd).size - wrote);
}

/** Attributes of each event, as in Docker: the container's image and labels. */
export function attributesOf({
  root,
  labels,
}: Pick<ContainerRecord, 'root' | 'labels'>): Record<string, string> {
  return { ...labels, image: root };
}

/** Opens the file for a monitor; if that fails, the monitor's events are lost. */
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
 * Moves the content of the file to `events.1` if it is too large. Monitors keep the file open for days, so it is
 * truncated, not renamed. Of several processes that notice it at the same time, one does it.
 */
export function trimEvents(): void {
  try {
    const fd = openSync(eventsFile(), 'r+');
    try {
      if (fstatSync(fd).size > MAX_SIZE && lockFile(fd, { wait: false })) rotate(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // it does not exist yet, or the disk is full: then it keeps growing
  }
}

function rotate(fd: number): void {
  const { size } = fstatSync(fd);
  if (size <= MAX_SIZE) return; // another process was faster
  const start = Math.max(size - KEPT_SIZE, 0);
  const buffer = Buffer.alloc(size - start);
  const kept = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, start));
  const fresh = `${eventsFile()}.1.new`;
  writeFileSync(fresh, kept, { mode: 0o600 });
  const more = Buffer.alloc(64 * 1024); // what was added meanwhile
  appendFileSync(fresh, more.subarray(0, readSync(fd, more, 0, more.length, size)));
  renameSync(fresh, `${eventsFile()}.1`);
  ftruncateSync(fd, 0);
}
