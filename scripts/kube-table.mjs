#!/usr/bin/env node
/**
 * Writes the tables of docs/kube.md from src/kube/schema/kube.json: the fields that foster honours, and those that it refuses and why.
 * With --check it only reports whether they are up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TARGET = join(ROOT, 'docs', 'kube.md');
const [BEGIN, END] = ['<!-- tables: scripts/kube-table.mjs -->', '<!-- end of tables -->'];

const { definitions } = JSON.parse(readFileSync(join(ROOT, 'src/kube/schema/kube.json'), 'utf8'));

const TITLES = {
  meta: 'metadata',
  podSpec: 'spec of a pod',
  container: 'containers and initContainers',
  probe: 'probes',
  hook: 'hooks of a container',
  claimSpec: 'spec of a claim',
  volume: 'volumes',
};

/** The fields of a definition, without those of other definitions in it. */
function fieldsOf({ properties = {} }, above = '') {
  return Object.entries(properties).flatMap(([name, own]) => {
    const field = `${above}${name}`;
    if (own.refused !== undefined || own.unused !== undefined) return [{ field, ...own }];
    const inner = own.items ?? own;
    const rows = fieldsOf(inner, `${field}${own.items ? '[]' : ''}.`);
    return rows.length > 0 ? rows : [{ field }];
  });
}

function meaning({ refused, unused, allowed = [] }) {
  if (unused !== undefined) return `accepted: ${unused}`;
  if (refused === undefined) return 'yes';
  const values = allowed
    .filter((value) => value !== '')
    .map((value) => `\`${typeof value === 'object' ? JSON.stringify(value) : value}\``);
  return `no: ${refused}${values.length > 0 ? ` (${values.join(', ')} is accepted)` : ''}`;
}

function table([name, definition]) {
  const rows = fieldsOf(definition).filter(({ field }) => !/^(apiVersion|kind|metadata|status)$/.test(field));
  const lines = rows.map((row) => `| \`${row.field}\` | ${meaning(row)} |`);
  return `### ${TITLES[name] ?? name}\n\n| field | honoured |\n| --- | --- |\n${lines.join('\n')}\n`;
}

const text = readFileSync(TARGET, 'utf8');
const tables = Object.entries(definitions)
  .filter(([name]) => name !== 'Pod')
  .map(table);
const [before] = text.split(BEGIN);
const [, after] = text.split(END);
const fresh = `${before}${BEGIN}\n\n${tables.join('\n')}\n${END}${after}`;
if (process.argv.includes('--check')) {
  if (fresh !== text) {
    console.error('docs/kube.md is out of date: run node scripts/kube-table.mjs');
    process.exit(1);
  }
} else writeFileSync(TARGET, fresh);
