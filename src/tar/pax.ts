import { FosterError } from '../sys/errors.js';

/** What extended headers say of a member: keywords of POSIX's pax and of others. Bytes as latin1. */
export type Attributes = Map<string, string>;

/**
 * Adds the records of an extended header to what is known: `LENGTH KEY=VALUE\n`, LENGTH being that of all of it; POSIX,
 * "pax Extended Header". The later of two wins, except for maps of sparse files in GNU's version 0.0, which are spread
 * over many records: they become one of version 0.1.
 * Each key and value is a string of its own: part of another would keep all of that in memory.
 * @throws FosterError
 */
export function addPaxRecords(bytes: Buffer, attributes: Attributes): void {
  const content = bytes.toString('latin1');
  for (let at = 0; at < content.length && content[at] !== '\0'; ) {
    const digits = /^\d{1,7} /.exec(content.slice(at, at + 8))?.[0];
    const length = Number(digits);
    const equals = content.indexOf('=', at);
    const isWhole = digits !== undefined && length > 0 && content[at + length - 1] === '\n';
    if (!isWhole || equals < at + digits.length || equals >= at + length) {
      throw new FosterError('the tar archive has a corrupt extended header');
    }
    const key = bytes.toString('latin1', at + digits.length, equals);
    const value = bytes.toString('latin1', equals + 1, at + length - 1);
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') {
      const before = attributes.get('GNU.sparse.map');
      attributes.set('GNU.sparse.map', before === undefined ? value : `${before},${value}`);
    } else attributes.set(key, value);
    at += length;
  }
}

const STAR = 'SCHILY.xattr.';
const LIBARCHIVE = 'LIBARCHIVE.xattr.';

/**
 * Extended attributes as star and GNU tar write them, their values as they are; and as libarchive does, names encoded
 * as in URLs and values in base64. Where both are there, star's are taken: they need no decoding.
 */
export function extendedAttributes(attributes: Attributes): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of attributes) {
    if (key.startsWith(STAR)) found.set(key.slice(STAR.length), value);
  }
  for (const [key, value] of attributes) {
    if (!key.startsWith(LIBARCHIVE)) continue;
    const name = key
      .slice(LIBARCHIVE.length)
      .replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (!found.has(name)) found.set(name, Buffer.from(value, 'base64').toString('latin1'));
  }
  return found;
}
