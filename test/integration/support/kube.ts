import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'node:test';
import { Containers } from './containers.js';
import { Home } from './foster.js';

/** A home for tests of files of Kubernetes, without a network. After each test, what it has made is removed. */
export class KubeHome extends Home {
  readonly containers: Containers;

  constructor() {
    super();
    this.env.FOSTER_NETWORK = 'none';
    this.containers = new Containers(this);
    afterEach(() => {
      this.ok('pod', 'rm', '-f', '-t', '0', '--all');
      this.containers.removeAll();
      this.ok('volume', 'prune', '-f', '--all');
    });
  }

  /** Runs a foster command that must not fail. Returns its output, without white space at the end. */
  ok(...args: string[]): string {
    return this.containers.ok(...args).trimEnd();
  }

  /** Writes a file, and returns its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }
}
