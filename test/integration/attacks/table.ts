import type { Attack } from './attack.js';
import { BUILDS } from './builds.js';
import { FILES, VOLUMES } from './files.js';
import { HOST_ACCESS } from './host-access.js';
import { IMAGES } from './images.js';
import { KERNEL } from './kernel.js';
import { PRINTED_TEXT } from './printed-text.js';
import { REMOTE } from './remote.js';
import { STREAMS } from './streams.js';

/** All attacks. */
export const ATTACKS: Attack[] = [
  ...KERNEL,
  ...HOST_ACCESS,
  ...STREAMS,
  ...VOLUMES,
  ...FILES,
  ...IMAGES,
  ...BUILDS,
  ...REMOTE,
  ...PRINTED_TEXT,
];
