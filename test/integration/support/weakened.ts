import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FOSTER, type Home } from './foster.js';

/** A line of foster-init to remove in a weakened build. */
export interface Weakness {
  /** A file of src/init. */
  file: string;
  line: string;
}

const FLAGS =
  '-std=gnu11 -Os -ffreestanding -nostdlib -fno-stack-protector -fno-asynchronous-unwind-tables ' +
  '-fno-tree-loop-distribute-patterns -static -fno-pie -no-pie -Wl,-z,noexecstack -s';

/**
 * Builds foster without lines of a defence: an attack must succeed against this build.
 * @returns the path of its command
 */
export function weakened(home: Home, name: string, weaknesses: Weakness[]): string {
  const folder = join(home.folder, `weakened-${name}`);
  const dist = join(folder, 'dist');
  const sources = join(folder, 'init');
  mkdirSync(folder);
  cpSync(dirname(FOSTER), dist, { recursive: true });
  cpSync('src/init', sources, { recursive: true });
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  for (const { file, line } of weaknesses) {
    const path = join(sources, file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(line)) throw new Error(`${file} has no line ${line}`);
    writeFileSync(path, text.replace(line, ''));
  }
  const files = readdirSync(sources).filter((file) => file.endsWith('.c') && file !== 'entry.c');
  const output = join(dist, process.arch, 'foster-init');
  execFileSync('gcc', [...FLAGS.split(' '), '-o', output, ...files.map((file) => join(sources, file))]);
  return join(dist, 'foster');
}
