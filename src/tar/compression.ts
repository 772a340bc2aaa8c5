import { FosterError } from '../sys/errors.js';

/** How an archive is compressed, according to its first bytes. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** How many of the first bytes must be known, unless the file is shorter. */
export const MAGIC_SIZE = 6;

/** `load`, `import` and ADD support more formats than layers of images. */
export type ArchiveCompression = Compression | 'xz' | 'bzip2';

const UNREADABLE: readonly (readonly [magic: string, name: string, program: string])[] = [
  ['fd377a585a00', 'xz', 'xz'],
  ['425a68', 'bzip2', 'bzip2'],
  ['504b0304', 'zip', 'unzip'],
  ['04224d18', 'lz4', 'lz4'],
];

/** @throws FosterError for an unsupported compression */
export function archiveCompressionOf(start: Buffer): ArchiveCompression {
  const hex = start.toString('hex', 0, MAGIC_SIZE);
  const known = UNREADABLE.find(([magic]) => hex.startsWith(magic))?.[1];
  return known === 'xz' || known === 'bzip2' ? known : compressionOf(start);
}

/** @throws FosterError for a compression that layers cannot have */
export function compressionOf(start: Buffer): Compression {
  const hex = start.toString('hex', 0, MAGIC_SIZE);
  if (hex.startsWith('1f8b')) return 'gzip';
  if (hex.startsWith('28b52ffd')) return 'zstd';
  const found = UNREADABLE.find(([magic]) => hex.startsWith(magic));
  if (found === undefined) return 'none';
  throw new FosterError(
    `it is compressed with ${found[1]}; foster supports uncompressed tar, gzip and zstd`,
    {
      advice: `unpack it with ${found[2]} first`,
    },
  );
}
