import type { LogEntry, LogOptions } from './types.js';

/** What a container has written, in the pieces in which it was written. @throws FosterError where there is no log */
export async function* entries(reference: string, options: LogOptions): AsyncGenerator<LogEntry> {
  const { logEntries } = await import('../container/logs/write.js');
  const { findContainer } = await import('../container/store.js');
  const { follow = false, tail, since, until } = options;
  const range = { since: nanoseconds(since), until: nanoseconds(until) };
  for await (const { stream, time, data } of logEntries(findContainer(reference), { follow, tail, ...range }))
    yield { stream: stream === 1 ? 'stdout' : 'stderr', time: new Date(time), data };
}

function nanoseconds(date: Date | undefined): bigint | undefined {
  return date && BigInt(date.getTime()) * 1_000_000n;
}

export interface WriteRequest {
  follow: boolean;
  /** Begin each line with its time. */
  timestamps: boolean;
  /** So many lines from the end. */
  tail: number | undefined;
  /** Nanoseconds since 1970. */
  since: bigint | undefined;
  until: bigint | undefined;
}

/**
 * Writes a log to descriptors, without taking it apart where it need not be.
 * @param output descriptors for standard output (1) and standard error (2)
 * @throws FosterError where there is no log, Node's error where it cannot be written
 */
export async function write(
  reference: string,
  request: WriteRequest,
  output: { 1: number; 2: number },
): Promise<void> {
  const { writeLog } = await import('../container/logs/write.js');
  const { findContainer } = await import('../container/store.js');
  await writeLog(findContainer(reference), request, output);
}
