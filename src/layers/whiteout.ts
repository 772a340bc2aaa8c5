import { FosterError } from '../sys/errors.js';
import { type Member, quotedName } from '../tar/member.js';

/** Image-spec "layer.md", "Whiteouts": names that hide files of the layers below. */
export const WHITEOUT_PREFIX = '.wh.';
export const OPAQUE_MARKER = '.wh..wh..opq';

/** What a whiteout hides: a name, everything in its directory, or nothing. */
export type Whiteout = { kind: 'name'; name: string } | { kind: 'opaque' } | { kind: 'nothing' };

/**
 * Parses a member's name as a whiteout; undefined for an ordinary file.
 * @param parents the components of its name, except the last
 * @throws FosterError for an invalid whiteout, or a file below one
 */
export function whiteoutOf(member: Member, parents: string[], last: string): Whiteout | undefined {
  if (parents.some((part) => part.startsWith(WHITEOUT_PREFIX))) {
    throw new FosterError(`the tar member ${quotedName(member.name)} is below a whiteout`);
  }
  if (!last.startsWith(WHITEOUT_PREFIX)) return undefined;
  if (last === OPAQUE_MARKER) return { kind: 'opaque' };
  // Internal files of aufs: Docker skips them, too.
  if (last.startsWith(`${WHITEOUT_PREFIX}${WHITEOUT_PREFIX}`)) return { kind: 'nothing' };
  const name = last.slice(WHITEOUT_PREFIX.length);
  if (name === '' || name === '.' || name === '..') {
    throw new FosterError(`the tar member ${quotedName(member.name)} is a whiteout without a file name`);
  }
  return { kind: 'name', name };
}
