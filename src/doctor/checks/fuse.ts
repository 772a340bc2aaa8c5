import { installCommand } from '../../sys/packages.js';
import { defineCheck, type Finding, type Mend } from '../check.js';
import { errnoOfOpening, programPath } from '../read.js';
import { triedStorage } from '../storage-trial.js';

interface FuseFacts {
  /** Whether the kernel's overlay does not do. */
  isNeeded: boolean;
  /** The name of the errno with which /dev/fuse cannot be opened; undefined if it can. */
  deviceError?: string;
  hasProgram: boolean;
  install: string;
}

/** fuse-overlayfs, which foster uses where the kernel's overlay does not work. */
export const FUSE = defineCheck<FuseFacts>({
  name: 'fuse',
  group: 'trials',
  async probe() {
    const { driver, isUntested } = await triedStorage();
    const deviceError = await errnoOfOpening('/dev/fuse');
    return {
      isNeeded: driver !== 'overlay' && isUntested !== true,
      hasProgram: (await programPath('fuse-overlayfs')) !== undefined,
      install: installCommand('fuse-overlayfs'),
      ...(deviceError !== undefined && { deviceError }),
    };
  },
  judge: judgeFuse,
});

function judgeFuse({ isNeeded, deviceError, hasProgram, install }: FuseFacts): Finding {
  const faults = [
    ...(deviceError === undefined ? [] : [`/dev/fuse cannot be opened (${deviceError})`]),
    ...(hasProgram ? [] : ['fuse-overlayfs is not installed']),
  ];
  if (faults.length === 0) return { level: 'ok', found: '/dev/fuse and fuse-overlayfs are there' };
  const found = faults.join(', and ');
  if (!isNeeded) return { level: 'ok', found: `${found}; not needed, since the kernel's overlay works` };
  const mend: Mend[] = [];
  if (deviceError !== undefined) mend.push(mendDevice('fuse', deviceError));
  if (!hasProgram) mend.push({ who: 'root', command: install });
  const means = 'With both, containers would not need copies of their images.';
  return { level: 'warn', found, means, mend };
}

/** What to do about a device that a module of the kernel has. */
export function mendDevice(name: 'fuse' | 'net/tun', errno: string): Mend {
  if (errno === 'EACCES') return { who: 'root', command: `chmod 666 /dev/${name}` };
  if (errno === 'EPERM')
    return { who: 'you', advice: `start the container that foster runs in with --device /dev/${name}` };
  const module = name === 'fuse' ? 'fuse' : 'tun';
  return {
    who: 'root',
    command: `modprobe ${module}`,
    advice: `in a container, start that with --device /dev/${name}`,
  };
}
