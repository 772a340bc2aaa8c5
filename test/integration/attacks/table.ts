import type { Attack } from './attack.js';
import { BUILDS } from './builds.js';
import { FILES, VOLUMES } from './files.js';
import { IMAGES } from './images.js';
import { KERNEL } from './kernel.js';
import { REACH } from './reach.js';
import { REMOTE } from './remote.js';
import { STREAMS } from './streams.js';
import { WORDS } from './words.js';

/** All of them. */
export const ATTACKS: Attack[] = [
  ...KERNEL,
  ...REACH,
  ...STREAMS,
  ...VOLUMES,
  ...FILES,
  ...IMAGES,
  ...BUILDS,
  ...REMOTE,
  ...WORDS,
];
