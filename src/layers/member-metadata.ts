import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { errnoOfAny } from '../sys/ffi.js';
import { setExtendedAttribute } from '../sys/libc.js';
import { type Member, pathOf, shown } from '../tar/member.js';
import { isKeptAttribute } from './kept-attributes.js';

/** Gives files what members say of them, as far as the caller may. */
export class MemberMetadata {
  readonly #hasOneOwner: boolean;
  /** Extended attributes that this file system or user cannot have. */
  lostAttributes = 0;
  /** Members whose owner is not mapped, and belong to root instead. */
  lostOwners = 0;

  /** @param hasOneOwner only one id is mapped: everything belongs to root */
  constructor(hasOneOwner: boolean) {
    this.#hasOneOwner = hasOneOwner;
  }

  /** Returns whether the owner was changed. What we make belongs to root already. */
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
        `the tar member ${shown(member.name)} belongs to ${uid}:${gid}, an id that your containers do not have`,
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
