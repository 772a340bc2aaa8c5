#!/usr/bin/env node
/** Writes what every command's --help prints to the end of docs/manual.md, whose beginning is written by hand. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FILE = join(ROOT, 'docs', 'manual.md');
const MARK = '<!-- made by scripts/manual.mjs -->\n';

function help(...words) {
  const { stdout, status, stderr } = spawnSync(join(ROOT, 'dist', 'foster'), [...words, '--help'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`foster ${words.join(' ')} --help failed: ${stderr}`);
  return stdout.trimEnd();
}

const commands = [...help().matchAll(/^ {2}([a-z]+) {2,}/gm)]
  .map(([, name]) => name)
  .filter((name) => name !== 'help');
const sections = commands.map((name) => `### foster ${name}\n\n\`\`\`text\n${help(name)}\n\`\`\`\n`);
const text = readFileSync(FILE, 'utf8');
writeFileSync(FILE, `${text.slice(0, text.indexOf(MARK) + MARK.length)}\n${sections.join('\n')}`);
