import { FosterError } from '../sys/errors.js';

/** Attributes of a member in extended headers: keywords of POSIX's pax and of others. Bytes as latin1. */
export type Attributes = Map<string, string>;

/**
 * Adds the records of an extended header to the attributes: `LENGTH KEY=VALUE\n`, where LENGTH is that of the whole
 * record; POSIX, "pax Extended Header". The last of several wins, except for maps of sparse files in GNU's version 0.0,
 * which are spread over many records: they are joined in the form of version 0.1. Keys and values are separate strings,
 * since a slice would keep the whole header in memory.
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
 * Extended attributes as star and GNU tar write them, with raw values; and as libarchive does, with names encoded as in
 * URLs and values in base64. star's take precedence, since they need no decoding.
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
