import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../sys/files.js';
import { makeFolder } from '../sys/paths.js';
import type { Lab } from './lab.js';

/** Makes the folder of a lab, in which its commands run, with the files that it starts with. Those that exist are kept. */
export function makeFiles({ files = {} }: Lab, folder: string): void {
  makeFolder(folder);
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    if (!existsSync(path)) writeFileAtomically(path, content, { durable: false });
  }
}
