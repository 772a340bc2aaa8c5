import type { ContainerRecord } from '../container/record.js';
import type { LogEntry, LogOptions } from './types.js';

/** The output of a container, in the pieces that it wrote. @throws FosterError if there is no log */
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
  /** Show the labels and variables that --log-opt of its container names: before each line, and after its time. */
  details?: boolean;
  /** Begin each line with the container's name, or the start of its id. */
  mark?: 'name' | 'id' | undefined;
  /** Show the name or id in a colour of the terminal, by its SGR number: 31 to 36. */
  colour?: number | undefined;
  /** Only this many lines from the end. */
  tail: number | undefined;
  /** Nanoseconds since 1970. */
  since: bigint | undefined;
  until: bigint | undefined;
}

/**
 * Writes a log to descriptors. If it can be copied unchanged, it is not parsed.
 * @param output descriptors for standard output (1) and standard error (2)
 * @throws FosterError if there is no log, Node's error if it cannot be written
 */
export async function write(
  reference: string,
  request: WriteRequest,
  output: { 1: number; 2: number },
): Promise<void> {
  const { writeLog } = await import('../container/logs/write.js');
  const { findContainer } = await import('../container/store.js');
  const container = findContainer(reference);
  const { record } = container;
  const details = request.details ? detailsOf(record) : undefined;
  await writeLog(container, { ...request, prefix: prefixOf(record, request), details }, output);
}

/** As Docker writes them: `KEY=VALUE,...` in the order of the keys, as in a URL, and a space. */
function detailsOf({ logging, labels, spec }: ContainerRecord): string {
  const variables = spec.process.env.map((variable) => /^([^=]*)=(.*)$/s.exec(variable)?.slice(1) ?? []);
  const pairs = [
    ...Object.entries(labels).filter(([name]) => logging.labels?.includes(name)),
    ...variables.filter(([name = '']) => logging.env?.includes(name)),
    ...(logging.tag === undefined ? [] : [['tag', logging.tag]]),
  ];
  const details = new Map(pairs.map(([name = '', value = '']) => [name, value]));
  const sorted = [...details].sort(([one], [other]) => (one < other ? -1 : 1));
  return `${sorted.map((pair) => new URLSearchParams([pair])).join(',')} `;
}

function prefixOf({ id, name }: ContainerRecord, { mark, colour }: WriteRequest): string | undefined {
  if (mark === undefined) return undefined;
  const text = mark === 'name' ? name : id.slice(0, 12);
  return colour === undefined ? `${text} ` : `\x1b[${colour}m${text}\x1b[0m `;
}
