import type { StorageChoice } from '../../image/rootfs/storage-choice.js';
import { defineCheck, type Finding } from '../check.js';
import { triedStorage } from '../storage-trial.js';

/** The storage driver that containers get, as foster finds it out itself: by a mount in a user namespace. */
export const OVERLAY = defineCheck<StorageChoice>({
  name: 'overlay',
  group: 'trials',
  probe: triedStorage,
  judge: judgeOverlay,
});

function judgeOverlay({ driver, reason, isUntested }: StorageChoice): Finding {
  if (isUntested === true) {
    return {
      level: 'fail',
      found: reason,
      means: 'Containers may not get a file system of their own.',
      mend: [{ who: 'you', advice: 'mend what else fails here, and look again' }],
    };
  }
  if (driver === 'overlay') return { level: 'ok', found: reason };
  const means =
    driver === 'copy'
      ? 'Each container gets a copy of its image, which takes time and disk space.'
      : 'Containers use fuse-overlayfs, which is slower than the kernel.';
  const advice =
    'put the data folder on a file system such as ext4, xfs or btrfs (--root DIR, or XDG_DATA_HOME)';
  return { level: 'warn', found: `${driver}: ${reason}`, means, mend: [{ who: 'you', advice }] };
}
