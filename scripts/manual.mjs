#!/usr/bin/env node
/**
 * Writes the --help of every command to the end of docs/manual.md, whose beginning is written by hand, and the names of the
 * manual pages into package.json: npm links those that are listed there, and no others. Needs what scripts/build.mjs builds.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FILE = join(ROOT, 'docs', 'manual.md');
const MARK = '<!-- made by scripts/manual.mjs -->\n';
const { commandReference } = createRequire(import.meta.url)('../build/reference.cjs');

/** The help without its usage: the same for a command and its longer name, such as `rmi` and `image rm`. */
const body = (text) => text.slice(text.indexOf('\n'));
const section = ({ words, text }) =>
  `### foster ${words.join(' ')}\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;

const commands = (await commandReference(80)).filter(({ words }) => words.length > 0);
const short = new Set(commands.filter(({ words }) => words.length === 1).map(({ text }) => body(text)));
const sections = commands
  .filter(({ words, text }) => words.length === 1 || !short.has(body(text)))
  .map(section);
const text = readFileSync(FILE, 'utf8');
writeFileSync(FILE, `${text.slice(0, text.indexOf(MARK) + MARK.length)}\n${sections.join('\n')}`);

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
manifest.man = readdirSync(join(ROOT, 'dist/man/man1'))
  .toSorted()
  .map((name) => `dist/man/man1/${name}`);
writeFileSync(join(ROOT, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
