/** Actions of `foster events`. Most are Docker's. */
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

/** Events of volumes, in Docker's words. */
export type VolumeAction = 'create' | 'mount' | 'unmount' | 'destroy';

/** Events of networks, in Docker's words. */
export type NetworkAction = 'create' | 'connect' | 'disconnect' | 'destroy';

/** What has happened to an image. Docker's words. */
export type ImageAction = 'pull' | 'push' | 'tag' | 'untag' | 'delete' | 'save' | 'load' | 'import';

/** What has happened to a pod. Podman's words, where Docker has none. */
export type PodAction = 'create' | 'start' | 'stop' | 'kill' | 'restart' | 'pause' | 'unpause' | 'remove';

/** A line of the events file. */
export interface ContainerEvent {
  type: 'container' | 'image' | 'network' | 'pod' | 'volume';
  /** Milliseconds since 1970. */
  time: number;
  action: string;
  /** Of a container, image or network; the name of a volume. */
  id: string;
  name: string;
  attributes: Record<string, string>;
}

/** Longer values are truncated: a line is written at once, and read into memory. */
const MAX_VALUE = 1024;

/**
 * Formats an event as a line: `MS ACTION ID NAME [KEY=VALUE ...]` for a container, else `MS TYPE.ACTION ID NAME ...`, which
 * older versions of foster skip. A volume's id is `-`. White space, `%` and `=` are percent-encoded, so that labels cannot
 * break the format.
 */
export function formatEvent({ time, ...event }: ContainerEvent): string {
  return `${time} ${timelessEvent(event)}\n`;
}

/** A line without its time and its end, for who knows the time. */
export function timelessEvent({ type, action, id, name, attributes }: Omit<ContainerEvent, 'time'>): string {
  const pairs = Object.entries(attributes).map(
    ([key, value]) => ` ${encode(key)}=${encode(value.slice(0, MAX_VALUE))}`,
  );
  const what = type === 'container' ? action : `${type}.${action}`;
  return `${what} ${type === 'volume' ? '-' : id.replace(DIGEST, '')} ${name}${pairs.join('')}`;
}

/** In front of the id of an image. */
const DIGEST = /^sha256:/;

function encode(text: string): string {
  return text.replace(/[^!-~]|[%=]/gsu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/** Parses a line, given without its end; undefined if it is truncated or damaged. */
export function parseEvent(line: string): ContainerEvent | undefined {
  const [time = '', word = '', id = '', name, ...pairs] = line.split(' ');
  const [, type = 'container', action] = /^(?:(image|network|pod|volume)\.)?(\w+)$/.exec(word) ?? [];
  const isIdValid = type === 'volume' ? id === '-' : /^[0-9a-f]{64}$/.test(id);
  if (!/^\d{1,15}$/.test(time) || action === undefined || !isIdValid || !name) return undefined;
  const attributes: Record<string, string> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals > 0) attributes[decode(pair.slice(0, equals))] = decode(pair.slice(equals + 1));
  }
  const wholeId = type === 'volume' ? name : type === 'image' ? `sha256:${id}` : id;
  const subject = { type: type as ContainerEvent['type'], id: wholeId };
  return { time: Number(time), ...subject, action, name, attributes };
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
