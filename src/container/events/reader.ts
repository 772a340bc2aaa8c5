import { closeSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { dataFolder } from '../../sys/paths.js';
import { FolderWatch } from '../../sys/watch.js';
import { readContainer } from '../store.js';
import { type ContainerEvent, parseEvent } from './line.js';
import { attributesOf, eventsFile, trimEvents } from './recorder.js';

export interface EventRange {
  /** Milliseconds since 1970. Without both, only new events; without `until`, no end. */
  since?: number | undefined;
  until?: number | undefined;
}

/** Milliseconds. */
const MAX_WAIT_MS = 1000;
const CHUNK = 64 * 1024;
/** Longer than any line that foster writes. */
const MAX_LINE = 1024 * 1024;
/** Earlier events that `complete` needs; parsing all of them would take most of the time. */
const TELLS_MORE = /^\d+ (create|update|destroy) /;

/**
 * The events in `range`, in the order in which they were written, including future ones until the range ends.
 */
export async function* readEvents(range: EventRange): AsyncGenerator<ContainerEvent> {
  const start = Date.now();
  const since = range.since ?? (range.until === undefined ? start : 0);
  const until = range.until ?? Number.POSITIVE_INFINITY;
  mkdirSync(dataFolder(), { recursive: true, mode: 0o700 });
  const watch = new FolderWatch(dataFolder());
  trimEvents();
  const files = new EventFiles();
  const memory = new Map<string, Record<string, string>>();
  try {
    for (;;) {
      const now = Date.now();
      for (const line of files.lines()) {
        if (Number.parseInt(line, 10) < since && !TELLS_MORE.test(line)) continue;
        const event = parseEvent(line);
        if (event === undefined) continue;
        const completed = complete(event, memory, event.time >= since);
        if (event.time >= since && event.time <= until) yield completed;
      }
      if (now > until) return;
      await watch.wait(Math.min(MAX_WAIT_MS, until - now + 1));
    }
  } finally {
    watch.close();
  }
}

/**
 * Adds image and labels to the monitor's events, which lack them: from an earlier event of the container, or from its
 * record if it still exists.
 */
function complete(
  event: ContainerEvent,
  memory: Map<string, Record<string, string>>,
  isWanted: boolean,
): ContainerEvent {
  const { id, type, action, attributes } = event;
  if (type !== 'container') return event;
  let known = memory.get(id);
  if (action === 'create' || action === 'update') known = attributes;
  if (known === undefined && isWanted) {
    const container = readContainer(id);
    known = container === undefined ? {} : attributesOf(container.record);
  }
  if (known !== undefined) memory.set(id, known);
  if (action === 'destroy') memory.delete(id);
  return { ...event, attributes: { ...known, ...attributes } };
}

/** The events file, and the one before the last rotation. */
class EventFiles {
  readonly #buffer = Buffer.allocUnsafeSlow(CHUNK);
  #offset = 0;
  /** The start of an incomplete line. */
  #partial = '';
  #hasBegun = false;

  /** All lines since the last call; at the first call, all lines. */
  *lines(): Generator<string> {
    if (!this.#hasBegun || sizeOf(eventsFile()) < this.#offset) {
      yield* this.#linesOf(`${eventsFile()}.1`);
      this.#hasBegun = true;
      this.#offset = 0;
      this.#partial = '';
    }
    yield* this.#linesOf(eventsFile());
  }

  *#linesOf(path: string): Generator<string> {
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch {
      return; // nothing has happened yet
    }
    try {
      for (;;) {
        const size = readSync(fd, this.#buffer, 0, CHUNK, this.#offset);
        if (size === 0) return;
        this.#offset += size;
        const lines = (this.#partial + this.#buffer.toString('latin1', 0, size)).split('\n');
        this.#partial = lines.pop() ?? '';
        if (this.#partial.length > MAX_LINE) this.#partial = '';
        yield* lines;
      }
    } finally {
      closeSync(fd);
    }
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
