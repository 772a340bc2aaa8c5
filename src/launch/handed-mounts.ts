import { closeSync, openSync } from 'node:fs';
import { nativeFile } from '../init/clone.js';
import { HANDED, handedFlags } from '../init/wire.js';
import type { HandedMount } from '../plan/step.js';
import { errnoName, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { callRaw } from '../sys/ffi.js';

const KEEP_ID = '--userns keep-id makes root in the container the root of the machine';

/**
 * Makes the mounts that a container's PID 1 waits for, and hands them over: src/init/hand-mount.h.
 * @param inside a process of the user namespace whose ids they get
 * @throws FosterError
 */
export function handMounts(
  mounts: HandedMount[],
  control: number,
  inside: number,
  warn: (sentence: string) => void,
): void {
  const users = openUserNamespace(inside);
  if (users === undefined) return;
  const prototype = 'int foster_hand_mount(int socket, int users, const char *path, unsigned int flags)';
  const outcomes: number[] = [];
  try {
    for (const mount of mounts) {
      const library = nativeFile('foster-entry.so');
      const outcome = callRaw(library, prototype, control, users, mount.source, handedFlags(mount));
      if (outcome < 0 && isGone(-outcome)) return;
      if (outcome < 0) throw handFailure(mount, -outcome);
      outcomes.push(outcome);
    }
  } finally {
    closeSync(users);
  }
  warnOfHanded(mounts, outcomes, warn);
}

/** Undefined where it has ended: PID 1 has failed then, and says at what. */
function openUserNamespace(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/ns/user`, 'r');
  } catch {
    return undefined;
  }
}

function isGone(errno: number): boolean {
  return ['EPIPE', 'ECONNRESET'].includes(errnoName(errno));
}

/** Tells which files are nobody's in the container. @param outcomes those that are missing are `HANDED.whole` */
export function warnOfHanded(
  mounts: HandedMount[],
  outcomes: number[],
  warn: (sentence: string) => void,
): void {
  const sources = (outcome: number) =>
    mounts.filter((_, index) => outcomes[index] === outcome).map(({ source }) => source);
  const parts = [
    ...sources(HANDED.plain),
    ...sources(HANDED.topOnly).map((source) => `what is mounted below ${source}`),
  ];
  if (parts.length === 0) return;
  warn(
    `nobody in the container owns the files of ${parts.join(', ')}: the kernel cannot shift the ids of that file system; ${KEEP_ID}`,
  );
}

/** Why a mount could not be handed over. */
export function handFailure({ why, isNeeded }: HandedMount, errno: number): FosterError {
  const name = errnoName(errno);
  return new FosterError(`cannot ${why}: ${errnoWords(errno)}`, {
    ...(isNeeded &&
      ['EINVAL', 'EPERM', 'ENOSYS', 'EOPNOTSUPP'].includes(name) && {
        advice: `its file system cannot give its files to other users: ${KEEP_ID}`,
      }),
  });
}
