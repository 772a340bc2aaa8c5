import { type LogEntry, logEntries } from '../../container/logs/write.js';
import { FosterError } from '../../sys/errors.js';
import type { ProjectContainer } from './state.js';

/** A line of a container's output, without its line break. */
export interface LogLine {
  container: ProjectContainer;
  stream: 'stdout' | 'stderr';
  /** Milliseconds since 1970. */
  time: number;
  text: Buffer;
}

export interface LogRange {
  tail?: number | undefined;
  /** Nanoseconds since 1970. */
  since?: bigint | undefined;
  until?: bigint | undefined;
}

/** A line of this length is passed on in pieces. */
const LONGEST_LINE = 1024 * 1024;

/** The lines of a container's log; with `follow` until it has ended for good. A container without a log has none. */
export async function* linesOf(
  container: ProjectContainer,
  range: LogRange,
  follow: boolean,
): AsyncGenerator<LogLine> {
  const rest = { 1: [] as Buffer[], 2: [] as Buffer[] };
  let time = 0;
  const line = (stream: 1 | 2, pieces: Buffer[]): LogLine => ({
    container,
    stream: stream === 1 ? 'stdout' : 'stderr',
    time,
    text: Buffer.concat(pieces),
  });
  for await (const entry of entriesOf(container, range, follow)) {
    ({ time } = entry);
    const stream = entry.stream === 1 ? 1 : 2;
    const kept = rest[stream];
    let start = 0;
    for (let end = entry.data.indexOf(10); end >= 0; end = entry.data.indexOf(10, start)) {
      yield line(stream, [...kept.splice(0), entry.data.subarray(start, end)]);
      start = end + 1;
    }
    if (start < entry.data.length) kept.push(entry.data.subarray(start));
    if (kept.reduce((sum, { length }) => sum + length, 0) > LONGEST_LINE) yield line(stream, kept.splice(0));
  }
  for (const stream of [1, 2] as const) if (rest[stream].length > 0) yield line(stream, rest[stream]);
}

async function* entriesOf(
  { container }: ProjectContainer,
  { tail, since, until }: LogRange,
  follow: boolean,
): AsyncGenerator<LogEntry> {
  try {
    yield* logEntries(container, { follow, tail, since, until });
  } catch (error) {
    // it has no log, or is gone: the others have
    if (!(error instanceof FosterError) && !isGone(error)) throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** The lines of several containers in the order of their times. */
export async function* linesInOrder(
  containers: readonly ProjectContainer[],
  range: LogRange,
): AsyncGenerator<LogLine> {
  const sources = containers.map((one) => linesOf(one, range, false));
  const heads = await Promise.all(sources.map((source) => source.next()));
  for (;;) {
    let first = -1;
    for (const [index, head] of heads.entries()) {
      const best = heads[first];
      if (!head.done && (best === undefined || best.done || head.value.time < best.value.time)) first = index;
    }
    const head = heads[first];
    const source = sources[first];
    if (head === undefined || head.done || source === undefined) return;
    yield head.value;
    heads[first] = await source.next();
  }
}
