#!/usr/bin/env node
/**
 * Writes src/sys/wire-constants.ts from src/init/wire.h: its constants, and the offsets of the fields of its structs, which a
 * C compiler determines. With --check it only reports whether the file is up to date.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const HEADER = join(ROOT, 'src/init/wire.h');
const TARGET = join(ROOT, 'src/sys/wire-constants.ts');

const header = readFileSync(HEADER, 'utf8').replace(/\/\*.*?\*\//gs, '');

/** The names of #defines that are numbers, and of the members of enums. */
function names() {
  const defines = [...header.matchAll(/^#define (\w+) +[^\s"\\]/gm)].map(([, name]) => name);
  const members = [...header.matchAll(/^enum \{([^}]*)\}/gm)].flatMap(([, list]) =>
    list.split(',').map((member) => member.split('=')[0].trim()),
  );
  return [...defines, ...members].filter(Boolean);
}

/** The names of #defines that are texts. */
function texts() {
  return [...header.matchAll(/^#define (\w+) +(?:\\\n\s*)?"/gm)].map(([, name]) => name);
}

/** Structs, with the names of their fields. */
function structs() {
  return [...header.matchAll(/^struct (\w+) \{([^}]*)\};/gm)].map(([, name, body]) => ({
    name,
    fields: body.split(';').flatMap((line) => {
      const list = line.trim().replace(/^\w+ /, '');
      return list === '' ? [] : list.split(',').map((field) => field.trim().replace(/\[.*/, ''));
    }),
  }));
}

function program() {
  const lines = names().map((name) => `  printf("${name} %lld\\n", (long long)(${name}));`);
  for (const name of texts()) lines.push(`  printf("${name} \\"%s\\"\\n", ${name});`);
  for (const { name, fields } of structs()) {
    lines.push(`  printf("struct ${name} %zu", sizeof(struct ${name}));`);
    for (const field of fields)
      lines.push(`  printf(" ${field} %zu", __builtin_offsetof(struct ${name}, ${field}));`);
    lines.push('  printf("\\n");');
  }
  return `#include <stdio.h>\n#include "${HEADER}"\nint main(void) {\n${lines.join('\n')}\n  return 0;\n}\n`;
}

function output() {
  const folder = mkdtempSync(join(tmpdir(), 'foster-wire-'));
  try {
    writeFileSync(join(folder, 'wire.c'), program());
    execFileSync(process.env.CC ?? 'gcc', ['-o', join(folder, 'wire'), join(folder, 'wire.c')]);
    return execFileSync(join(folder, 'wire'), { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function constant(line) {
  const [, name, value] = /^(\w+) (.*)$/.exec(line);
  if (value.startsWith('"')) return text(name, value.slice(1, -1));
  const number = BigInt(value);
  return `  ${name}: ${number > 0xffff ? `0x${number.toString(16)}` : number},`;
}

/** As the formatter has it. */
function text(name, value) {
  const line = `  ${name}: '${value}',`;
  return line.length > 110 ? `  ${name}:\n    '${value}',` : line;
}

function struct(line) {
  const [, name, size, ...fields] = line.split(' ');
  const offsets = [];
  for (let at = 0; at < fields.length; at += 2) offsets.push(`${fields[at]}: ${fields[at + 1]}`);
  const title = name.toUpperCase();
  return (
    `  ${title}_SIZE: ${size},\n` +
    `  ${title}_OFFSETS: {\n${offsets.map((offset) => `    ${offset},\n`).join('')}  },`
  );
}

function source() {
  const lines = output().trim().split('\n');
  const isStruct = (line) => line.startsWith('struct ');
  return [
    '/**',
    ' * What src/init/wire.h defines, by the names that it has there. Made from it by scripts/wire-constants.mjs. It is one object,',
    ' * because to export each by itself takes each start 0.3 ms.',
    ' */',
    'export const wire = {',
    ...lines.filter((line) => !isStruct(line)).map(constant),
    '',
    '  // Where structs have their fields, in bytes.',
    ...lines.filter(isStruct).map(struct),
    '} as const;',
    '',
  ].join('\n');
}

const wanted = source();
if (process.argv.includes('--check')) {
  if (readFileSync(TARGET, 'utf8') !== wanted) {
    console.error(
      'src/sys/wire-constants.ts is not what src/init/wire.h says: run scripts/wire-constants.mjs',
    );
    process.exitCode = 1;
  }
} else {
  writeFileSync(TARGET, wanted);
}
