import type { SaveFormat } from '../../engine/images.js';
import { flagError } from '../../spec/parse/flag.js';

/** Formats of files and directories, by the words of containers-transports(5). */
const FORMATS: Readonly<Record<string, SaveFormat>> = {
  'docker-archive': 'docker-archive',
  'oci-archive': 'oci-archive',
  oci: 'oci-dir',
  dir: 'docker-dir',
};

/** An image in a file or directory. */
export interface ImageFile {
  format: SaveFormat;
  path: string;
}

/**
 * What `docker-archive:PATH` and the like mean to Podman and skopeo; undefined for a name of a registry.
 * @param what the argument, for errors
 * @throws FosterError where a name follows the path, which foster does not choose or change
 */
export function imageFile(what: string, text: string): ImageFile | undefined {
  const [, word = '', path = ''] = /^([a-z-]+):(.+)$/s.exec(text) ?? [];
  const format = Object.hasOwn(FORMATS, word) ? FORMATS[word] : undefined;
  if (format === undefined) return undefined;
  if (word !== 'dir' && path.includes(':'))
    throw flagError(what, text, 'a name after the path is not supported yet', `leave it out: ${word}:PATH`);
  return { format, path };
}

/** A name without Podman's and skopeo's `docker://`, which says that it is one of a registry. */
export function withoutTransport(name: string): string {
  return name.replace(/^docker:\/\//, '');
}
