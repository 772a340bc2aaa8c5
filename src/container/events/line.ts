/** What happens to containers: the actions of `foster events`. Most are Docker's. */
export type EventAction =
  | 'create'
  | 'start'
  | 'die'
  | 'restart'
  | 'stop'
  | 'kill'
  | 'pause'
  | 'unpause'
  | 'rename'
  | 'update'
  | 'exec'
  | 'adopt'
  | 'reap'
  | 'oom'
  | 'health_status'
  | 'destroy';

/** A line of the events file. */
export interface ContainerEvent {
  /** Milliseconds since 1970. */
  time: number;
  action: string;
  id: string;
  name: string;
  attributes: Record<string, string>;
}

/** Longer values are cut: a line is written in one piece, and read into memory as a whole. */
const LONGEST_VALUE = 1024;

/**
 * An event as a line: `MS ACTION ID NAME [KEY=VALUE ...]`. What could end a word or a line, and `%` and `=`, is
 * percent-encoded, so that a line stays a line whatever a label holds.
 */
export function formatEvent({ time, action, id, name, attributes }: ContainerEvent): string {
  const pairs = Object.entries(attributes).map(
    ([key, value]) => ` ${encode(key)}=${encode(value.slice(0, LONGEST_VALUE))}`,
  );
  return `${time} ${action} ${id} ${name}${pairs.join('')}\n`;
}

function encode(text: string): string {
  return text.replace(/[^!-~]|[%=]/gsu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/** The event of a line without its end; undefined for one that was cut short or damaged. */
export function parseEvent(line: string): ContainerEvent | undefined {
  const [time = '', action = '', id = '', name, ...pairs] = line.split(' ');
  if (!/^\d{1,15}$/.test(time) || !/^\w+$/.test(action) || !/^[0-9a-f]{64}$/.test(id) || !name)
    return undefined;
  const attributes: Record<string, string> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals > 0) attributes[decode(pair.slice(0, equals))] = decode(pair.slice(equals + 1));
  }
  return { time: Number(time), action, id, name, attributes };
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
