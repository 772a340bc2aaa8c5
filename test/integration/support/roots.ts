import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { Home } from './foster.js';

/** Where Debian's busybox-static has it. */
export const BUSYBOX = '/bin/busybox';

/** A home whose cache of root filesystems a test looks into. */
export class RootsHome extends Home {
  constructor() {
    // Files of the cache may belong to ids that only a container has. To be done before the home itself is removed.
    after(() => this.#removeTrees());
    super();
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  get cache(): string {
    return this.path('data/foster/roots');
  }

  /** What the cache holds; its administration left aside. */
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
