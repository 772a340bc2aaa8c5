import { FosterError } from '../sys/errors.js';
import { type Member, shown } from '../tar/member.js';

/** Image-spec "layer.md", "Whiteouts": names that say what is gone of the layers below. */
export const WHITEOUT_PREFIX = '.wh.';
export const OPAQUE_MARKER = '.wh..wh..opq';

/** What a member says of the layers below: a name is gone, a directory shows nothing of them, or nothing. */
export type Whiteout = { kind: 'name'; name: string } | { kind: 'opaque' } | { kind: 'nothing' };

/**
 * Reads a member's name as a whiteout; undefined for a member that is a file.
 * @param parents the components of its name but for the last
 * @throws FosterError for a name that hides no file, or a file below a whiteout
 */
export function whiteoutOf(member: Member, parents: string[], last: string): Whiteout | undefined {
  if (parents.some((part) => part.startsWith(WHITEOUT_PREFIX))) {
    throw new FosterError(`the tar member ${shown(member.name)} is below a whiteout`);
  }
  if (!last.startsWith(WHITEOUT_PREFIX)) return undefined;
  if (last === OPAQUE_MARKER) return { kind: 'opaque' };
  // Notes of aufs to itself: nothing for others, and Docker leaves them out too.
  if (last.startsWith(`${WHITEOUT_PREFIX}${WHITEOUT_PREFIX}`)) return { kind: 'nothing' };
  const name = last.slice(WHITEOUT_PREFIX.length);
  if (name === '' || name === '.' || name === '..') {
    throw new FosterError(`the tar member ${shown(member.name)} is a whiteout of no file`);
  }
  return { kind: 'name', name };
}
