import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FOSTER } from './foster.js';

/** The built library, next to the command under test. */
export const { Foster, FosterError } = createRequire(import.meta.url)(
  join(dirname(FOSTER), 'library.cjs'),
) as typeof import('../../../src/engine/index.js');
