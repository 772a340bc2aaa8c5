import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describedFields, fateOf } from '../../../src/compose/fields.js';

/** The table of docs/compose.md. */
function table(): string {
  const rows = describedFields().map((field) => {
    const { fate, note = '', advice } = fateOf(field);
    return `| \`${field}\` | ${fate} | ${[note, advice].filter(Boolean).join('; ')} |`;
  });
  return ['| field | | |', '| --- | --- | --- |', ...rows].join('\n');
}

test('docs/compose.md has the table of fields', () => {
  const text = readFileSync('docs/compose.md', 'utf8');
  assert.ok(text.includes(`${table()}\n`), `the table should be:\n${table()}`);
});
