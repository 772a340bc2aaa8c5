import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { FosterError } from '../../sys/errors.js';

/** What the archive of an image has at its top, of Docker's format or the OCI's, and what a root filesystem has. */
const OF_AN_IMAGE = ['manifest.json', 'index.json', 'repositories'];
const OF_A_ROOT = ['bin', 'etc', 'usr', 'sbin', 'lib', 'proc'];

/**
 * @param tree what an archive was unpacked to, as a root filesystem
 * @param path of the archive; undefined for standard input
 * @param doing what the error begins with: `cannot unpack saved.tar: `
 * @throws FosterError where it was the archive of an image
 */
export function refuseImageArchive(tree: string, path: string | undefined, doing: string): void {
  const isThere = (name: string) => lstatSync(join(tree, name), { throwIfNoEntry: false }) !== undefined;
  if (!OF_AN_IMAGE.some(isThere) || OF_A_ROOT.some(isThere)) return;
  throw new FosterError(`${doing}it is the archive of an image, not a root filesystem`, {
    kind: 'invalid',
    advice: `use 'foster load${path === undefined ? '' : ` -i ${path}`}'`,
  });
}
