import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Home } from './foster.js';

/** The path in Debian's busybox-static. */
export const BUSYBOX = '/bin/busybox';

/** A home with access to its cache of root filesystems. */
export class RootsHome extends Home {
  path(name: string): string {
    return join(this.folder, name);
  }

  get cache(): string {
    return this.path('data/foster/roots');
  }

  /** The trees in the cache. */
  roots(): string[] {
    try {
      return readdirSync(this.cache).filter((name) => name !== 'by-file' && name !== 'locks');
    } catch {
      return [];
    }
  }
}
