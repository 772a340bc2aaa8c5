#!/usr/bin/env node
/**
 * Writes test/compat/options/TOOL.txt: the commands of TOOL (docker, podman) and the names of their options, from
 * `TOOL COMMAND --help`. A line is a command and its options. The two spellings of an option are joined by a comma, and an
 * equals sign means that it takes a value. Run it by hand for a new version of the tool.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(dirname(dirname(fileURLToPath(import.meta.url))), 'test/compat/options');

/** Options that buildx, a separate program, adds to `docker build`. */
const BUILDX =
  '--allow= --annotation= --attest= --build-context= --builder= --cache-to= --call= --check -D,--debug --load ' +
  '--metadata-file= --no-cache-filter= -o,--output= --progress= --provenance= --push --sbom= --secret= --ssh=';

function help(tool, words) {
  const { stdout, stderr } = spawnSync(tool, [...words, '--help'], { encoding: 'utf8' });
  return stdout || stderr;
}

/** Names in a section of the help: lines that are indented under a heading which matches. */
function section(text, heading) {
  const lines = text.split('\n');
  const found = [];
  for (let at = 0; at < lines.length; at++) {
    if (!heading.test(lines[at])) continue;
    for (
      at++;
      /^\s|^$/.test(lines[at] ?? 'end') && !(lines[at] === '' && !/^\s/.test(lines[at + 1] ?? 'x'));
      at++
    )
      found.push(lines[at]);
  }
  return found;
}

function optionsOf(text) {
  return section(text, /^(Global )?(Options|Flags):/).flatMap((line) => {
    const match = /^ {2,8}(?:(-\w), )?(--[a-z][a-z0-9-]*)(?: (\S+))?(?: {2,}|$)/.exec(line);
    if (match === null || match[2] === '--help') return [];
    const [, short, long, value] = match;
    return [`${short ? `${short},` : ''}${long}${value ? '=' : ''}`];
  });
}

function commandsOf(text) {
  return section(text, /Commands:/).flatMap((line) => /^ {2}([a-z][a-z-]*)\*? /.exec(line)?.[1] ?? []);
}

function walk(tool, words) {
  const text = help(tool, words);
  const names = commandsOf(text).filter((name) => name !== 'help');
  let options = optionsOf(text);
  if (tool === 'docker' && /^(image |builder )?build$/.test(words.join(' ')))
    options = [...options, ...BUILDX.split(' ')];
  const line = [words.join(' ') || '(global)', ...options].join(' ');
  const below = names.flatMap((name) => walk(tool, [...words, name]));
  return names.length > 0 && words.length > 0 ? below : [line, ...below];
}

const tools = process.argv.slice(2);
if (tools.length === 0) throw new Error('usage: scripts/compat-options.mjs podman docker');
mkdirSync(FOLDER, { recursive: true });
for (const tool of tools) {
  const version = spawnSync(tool, ['--version'], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(join(FOLDER, `${tool}.txt`), `# ${version}\n${walk(tool, []).join('\n')}\n`);
}
