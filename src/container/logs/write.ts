import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isUnlogged } from '../../spec/parse/logging.js';
import { FosterError } from '../../sys/errors.js';
import { containerFolder } from '../../sys/paths.js';
import { FolderWatch } from '../../sys/watch.js';
import { letOthersRun } from '../../worker/interrupt.js';
import { type Container, isLocked } from '../store.js';
import { type LineOptions, LineSink, type LogOutput, RawSink } from './output.js';
import { LogReader, type LogSink, type LogStream } from './reader.js';
import { findTail } from './tail.js';

export interface LogOptions extends LineOptions {
  follow: boolean;
  /** Number of lines from the end; undefined for all. */
  tail?: number | undefined;
}

/** Bounds for the time after which the end of a container is noticed. */
const MIN_WAIT_MS = 1;
const MAX_WAIT_MS = 100;

/**
 * Writes the log of a container, and with `follow` new output until the container has stopped.
 * @throws FosterError if there is no log; Node's error if the output cannot be written
 */
export async function writeLog(container: Container, options: LogOptions, output: LogOutput): Promise<void> {
  const { timestamps, prefix, details, since, until } = options;
  const isByLine = timestamps || [prefix, details, since, until].some((option) => option !== undefined);
  const sink = isByLine ? new LineSink(output, options) : new RawSink(output);
  for await (const _ of readLog(container, options, sink));
}

/** Milliseconds for which entries, which may be tiny, keep the rest of the process waiting. */
const LONGEST_TURN = 10;

/** A piece of a container's output. */
export interface LogEntry {
  stream: LogStream;
  /** Milliseconds since 1970. */
  time: number;
  data: Buffer;
}

/** As `writeLog`, but yields entries: the pieces that the container wrote, or parts of them. */
export async function* logEntries(
  container: Container,
  options: Omit<LogOptions, 'timestamps'>,
): AsyncGenerator<LogEntry> {
  const { since = 0n, until } = options;
  const entries: LogEntry[] = [];
  const sink: LogSink = {
    take({ stream, low, high }, buffer, start, end) {
      const time = (BigInt(high) << 32n) | BigInt(low);
      if (time < since || (until !== undefined && time > until)) return;
      entries.push({
        stream,
        time: Number(time / 1_000_000n),
        data: Buffer.from(buffer.subarray(start, end)),
      });
    },
    flush() {},
  };
  for await (const _ of readLog(container, options, sink)) {
    let began = performance.now();
    for (const entry of entries.splice(0)) {
      yield entry;
      if (performance.now() - began < LONGEST_TURN) continue;
      await letOthersRun();
      began = performance.now();
    }
    await letOthersRun();
  }
}

/** Passes the log to the sink, and yields after each piece. */
async function* readLog(
  { record, state }: Container,
  { follow, tail, until }: Omit<LogOptions, 'timestamps'>,
  sink: LogSink,
): AsyncGenerator<void> {
  const folder = containerFolder(record.id);
  if (!hasLog(folder) && state.status !== 'created') throw noLog(record);
  // Before opening the log, so that no change is missed.
  const watch = follow ? new FolderWatch(folder) : undefined;
  const reader = new LogReader(folder, sink);
  try {
    if (tail !== undefined) reader.startAt(findTail(reader.files, tail));
    if (watch === undefined) yield* piecesOf(reader, { follow });
    else yield* followLog(reader, watch, record.id, until);
  } finally {
    reader.close();
    watch?.close();
  }
}

function* piecesOf(reader: LogReader, options: { follow: boolean }): Generator<void> {
  while (reader.readPiece(options)) yield;
}

async function* followLog(
  reader: LogReader,
  watch: FolderWatch,
  id: string,
  until: bigint | undefined,
): AsyncGenerator<void> {
  const end = until === undefined ? Number.POSITIVE_INFINITY : Number(until / 1_000_000n);
  for (let wait = MIN_WAIT_MS; ; ) {
    // In this order: the last output is in the log before the monitor releases the lock.
    const isLast = !isLocked(id) || Date.now() > end;
    let isAny = false;
    for (const _ of piecesOf(reader, { follow: true })) {
      isAny = true;
      yield;
    }
    if (isLast) return;
    wait = isAny ? MIN_WAIT_MS : Math.min(wait * 2, MAX_WAIT_MS);
    await watch.wait(Math.min(wait, Math.max(end - Date.now(), 0) + 1));
  }
}

/** During a rotation `log` is missing for a moment. */
function hasLog(folder: string): boolean {
  return existsSync(join(folder, 'log')) || existsSync(join(folder, 'log.1'));
}

function noLog({ name, logging }: Container['record']): FosterError {
  if (isUnlogged(logging))
    return new FosterError(`container ${name} has no log: it was made with --log-driver ${logging.driver}`, {
      exitCode: 1,
    });
  return new FosterError(
    `container ${name} has no log: none is kept for containers in the foreground with --rm`,
    {
      advice: 'its output went to the terminal or file of foster run; use -d, or omit --rm, to keep a log',
      exitCode: 1,
    },
  );
}
