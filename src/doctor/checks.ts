import type { AnyCheck } from './check.js';
import { CGROUPS } from './checks/cgroups.js';
import { CLOCK } from './checks/clock.js';
import { CONTAINER } from './checks/container.js';
import { DISK } from './checks/disk.js';
import { CACHE_FOLDER, DATA_FOLDER, RUNTIME_FOLDER } from './checks/folders.js';
import { FOSTER_INIT } from './checks/foster-init.js';
import { FUSE } from './checks/fuse.js';
import { ID_HELPERS } from './checks/id-helpers.js';
import { ID_RANGES } from './checks/id-ranges.js';
import { KERNEL } from './checks/kernel.js';
import { LINGER } from './checks/linger.js';
import { NODE } from './checks/node.js';
import { OVERLAY } from './checks/overlay.js';
import { PROGRAMS } from './checks/programs.js';
import { SECCOMP } from './checks/seccomp.js';
import { TUN } from './checks/tun.js';
import { USER_NAMESPACES } from './checks/user-namespaces.js';
import { WSL } from './checks/wsl.js';

/** All checks, in the order in which they are shown: what others depend on comes first, and what may wait for the data folder last. */
export const CHECKS: readonly AnyCheck[] = [
  NODE,
  KERNEL,
  WSL,
  CONTAINER,
  FOSTER_INIT,
  SECCOMP,
  CGROUPS,
  USER_NAMESPACES,
  ID_RANGES,
  ID_HELPERS,
  OVERLAY,
  FUSE,
  TUN,
  ...PROGRAMS,
  DISK,
  DATA_FOLDER,
  CACHE_FOLDER,
  RUNTIME_FOLDER,
  LINGER,
  CLOCK,
];
