#!/usr/bin/env node
/** Writes the --help of every command to the end of docs/manual.md, whose beginning is written by hand. */
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
/** The help without its usage: the same for a command and its longer name, such as `rmi` and `image rm`. */
const body = (text) => text.slice(text.indexOf('\n'));
const section = (name, text) => `### foster ${name}\n\n\`\`\`text\n${text}\n\`\`\`\n`;

const known = new Set(commands.map((name) => body(help(name))));
const sections = commands.flatMap((name) => {
  const text = help(name);
  const subcommands = [...(text.split('\nCommands:\n')[1]?.matchAll(/^ {2}([a-z]+) {2,}/gm) ?? [])];
  const more = subcommands
    .map(([, own]) => [`${name} ${own}`, help(name, own)])
    .filter(([, own]) => !known.has(body(own)));
  return [section(name, text), ...more.map(([full, own]) => section(full, own))];
});
const text = readFileSync(FILE, 'utf8');
writeFileSync(FILE, `${text.slice(0, text.indexOf(MARK) + MARK.length)}\n${sections.join('\n')}`);
