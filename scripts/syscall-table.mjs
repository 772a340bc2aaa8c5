// Writes src/sys/syscall-table.ts from the kernel's headers. Run it when the kernel has new system calls:
//   apt-get install gcc linux-libc-dev linux-libc-dev-arm64-cross linux-libc-dev-armhf-cross
//   node scripts/syscall-table.mjs && npx biome check --write src/sys/syscall-table.ts
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const TARGET = 'src/sys/syscall-table.ts';
const X32_BIT = 0x40000000;

const X86_HEADERS = '/usr/include/x86_64-linux-gnu';
const COLUMNS = [
  [X86_HEADERS, 'asm/unistd_64.h'],
  [X86_HEADERS, 'asm/unistd_32.h'],
  [X86_HEADERS, 'asm/unistd_x32.h', `-D__X32_SYSCALL_BIT=${X32_BIT}`],
  ['/usr/aarch64-linux-gnu/include', 'asm/unistd.h', '-U__x86_64__', '-D__aarch64__'],
  ['/usr/arm-linux-gnueabihf/include', 'asm/unistd.h', '-U__x86_64__', '-D__arm__', '-D__ARM_EABI__'],
];

/** Newer than Debian 12's headers (Linux 6.1). Numbers from 424 on are the same on every architecture. */
const NEWER = {
  cachestat: 451,
  fchmodat2: 452,
  map_shadow_stack: 453,
  futex_wake: 454,
  futex_wait: 455,
  futex_requeue: 456,
  statmount: 457,
  listmount: 458,
  lsm_get_self_attr: 459,
  lsm_set_self_attr: 460,
  lsm_list_modules: 461,
  mseal: 462,
  setxattrat: 463,
  getxattrat: 464,
  listxattrat: 465,
  removexattrat: 466,
  open_tree_attr: 467,
  file_getattr: 468,
  file_setattr: 469,
};
const NEWER_X64_ONLY = { uretprobe: 335, uprobe: 336 };

/** Macros of the same form that are not system calls. */
const NO_CALL = /^(SYSCALL_BASE|BASE|OABI_SYSCALL_BASE|syscalls|arch_specific_syscall|SYSCALL_MASK)$/;

function preprocess(source, directory, header, defines) {
  const flags = ['-E', '-x', 'c', '-nostdinc', '-isystem', directory, '-isystem', '/usr/include', ...defines];
  return (extra) =>
    execFileSync('gcc', [...flags, ...extra, '-'], {
      input: `#include <${header}>\n${source}`,
      encoding: 'utf8',
    });
}

/** All `__NR_name` and, on arm, `__ARM_NR_name` of a header with their numbers. */
function numbersOf([directory, header, ...defines]) {
  const macros = preprocess('', directory, header, defines)(['-dM']);
  const names = [...macros.matchAll(/^#define (__(?:ARM_)?NR_(\w+)) /gm)].filter(
    ([, , name]) => !NO_CALL.test(name),
  );
  const lines = names.map(([, macro, name]) => `@${name}=${macro}`).join('\n');
  const numbers = new Map();
  for (const [, name, value] of preprocess(
    lines,
    directory,
    header,
    defines,
  )(['-P']).matchAll(/@ ?(\w+) ?= ?(.+)/g)) {
    if (!/^[\s\d()+xXa-fA-F]+$/.test(value)) throw new Error(`${header}: ${name} is ${value}`);
    numbers.set(name, value.match(/\w+/g).reduce((sum, term) => sum + Number(term), 0) % X32_BIT);
  }
  return numbers;
}

const columns = COLUMNS.map(numbersOf);
for (const numbers of columns)
  for (const [name, number] of Object.entries(NEWER)) if (!numbers.has(name)) numbers.set(name, number);
for (const numbers of [columns[0], columns[2]])
  for (const [name, number] of Object.entries(NEWER_X64_ONLY)) numbers.set(name, number);

const names = [...new Set(columns.flatMap((numbers) => [...numbers.keys()]))].sort();
const lines = names.map((name) => [name, ...columns.map((numbers) => numbers.get(name) ?? '-')].join(' '));
writeFileSync(
  TARGET,
  `/**
 * Every system call of Linux with its numbers on x86-64, i386, x32 (without its bit), arm64 and arm; \`-\` where the
 * architecture does not have it. Made by scripts/syscall-table.mjs from the kernel's headers.
 */
export const SYSCALL_TABLE = \`
${lines.join('\n')}
\`;
`,
);
