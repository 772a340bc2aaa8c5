import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A defence in the source, and its replacement. */
export interface Weakness {
  file: string;
  from: RegExp;
  to: string;
  /** The attacks that must win without it. */
  attacks: string[];
}

export const WEAKNESSES: Weakness[] = [
  {
    file: 'src/init/plan.c',
    from: /close_all_but_kept\(plan, FD_CONTROL \+ 1\);/,
    to: '',
    attacks: ['descriptors of PID 1 while the container starts, with SYS_PTRACE'],
  },
  {
    file: 'src/sys/libc.ts',
    from: /flags, RESOLVE_IN_ROOT \| RESOLVE_NO_MAGICLINKS\)/,
    to: 'flags, 0)',
    attacks: ['the ignore file and the Dockerfile are links out of the context'],
  },
  {
    file: 'src/image/registry/http.ts',
    from: /headers = without\(headers, 'authorization'\);/,
    to: '',
    attacks: ['a redirect to another host, to get the password'],
  },
  {
    file: 'src/spec/parse/flag.ts',
    from: /export function visible\(text: string\): string \{/,
    to: '$& if (text !== "\\x1b") return text;',
    attacks: ["control characters in a registry's errors"],
  },
];

/** Builds foster from a copy of its source without these defences. Returns the command. */
export function buildWeakened(folder: string, weaknesses: Weakness[]): string {
  mkdirSync(folder);
  for (const name of ['src', 'scripts', 'rootfs', 'package.json', 'tsconfig.json'])
    cpSync(name, join(folder, name), { recursive: true });
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  // C files that are not weakened have been compiled: objects are kept under the digest of all that they depend on
  mkdirSync(join(folder, 'build'));
  symlinkSync(join(process.cwd(), 'build/objects'), join(folder, 'build/objects'));
  for (const { file, from, to } of weaknesses) {
    const path = join(folder, file);
    const source = readFileSync(path, 'utf8');
    assert.match(source, from, `${file} no longer has the defence to be removed`);
    writeFileSync(path, source.replace(from, to));
  }
  execFileSync(process.execPath, [join(folder, 'scripts/build.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return join(folder, 'dist/foster');
}
