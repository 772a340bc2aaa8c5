import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { Home } from './foster.js';

/** The path in Debian's busybox-static. */
export const BUSYBOX = '/bin/busybox';

/** A home with access to its cache of root filesystems. */
export class RootsHome extends Home {
  constructor() {
    // Files of the cache may belong to ids that exist only in containers. Must be done before the home itself is
    // removed.
    after(() => this.#removeTrees());
    super();
  }

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

  #removeTrees(): void {
    if (process.getuid?.() === 0 || this.roots().length === 0) return;
    this.run(['--rm', '-v', `${this.cache}:/mnt`, 'busybox', 'sh', '-c', 'rm -rf /mnt/sha256-* /mnt/tmp-*']);
  }
}
