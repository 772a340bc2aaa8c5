import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { errnoOfAny } from '../sys/ffi.js';
import { setExtendedAttribute } from '../sys/libc.js';
import { type Member, pathOf, quotedName } from '../tar/member.js';
import { isKeptAttribute } from './kept-attributes.js';

/** Sets owners and attributes of files, as far as the caller is permitted to. */
export class MemberMetadata {
  readonly #hasOneOwner: boolean;
  /** Extended attributes that the file system or the user cannot set. */
  lostAttributes = 0;
  /** Members whose owner is not mapped, so that they belong to root. */
  lostOwners = 0;

  /** @param hasOneOwner whether only one id is mapped, so that everything belongs to root */
  constructor(hasOneOwner: boolean) {
    this.#hasOneOwner = hasOneOwner;
  }

  /** Returns whether the owner was changed. New files belong to root already. */
  setOwner(member: Member, change: (uid: number, gid: number) => void): boolean {
    const { uid, gid } = member;
    if (uid === 0 && gid === 0) return false;
    if (this.#hasOneOwner) {
      this.lostOwners++;
      return false;
    }
    try {
      change(uid, gid);
    } catch (error) {
      if (errnoOf(error) !== 'EINVAL') throw error;
      throw new FosterError(
        `the tar member ${quotedName(member.name)} belongs to ${uid}:${gid}, which your containers cannot have`,
        { advice: 'ask root for a larger range in /etc/subuid and /etc/subgid' },
      );
    }
    return true;
  }

  setAttributes(path: string, member: Member): void {
    for (const [name, value] of member.xattrs) {
      if (!isKeptAttribute(name)) continue;
      try {
        setExtendedAttribute(pathOf(path), name, Buffer.from(value, 'latin1'));
      } catch (error) {
        if (!['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EINVAL'].includes(errnoOfAny(error) ?? '')) throw error;
        this.lostAttributes++;
      }
    }
  }
}
