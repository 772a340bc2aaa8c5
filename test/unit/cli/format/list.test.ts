import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatList } from '../../../../src/cli/format/list.js';

const rows = [
  { name: 'a', size: '12' },
  { name: 'longer', size: '3' },
];
const list = { headings: { name: 'NAME', size: 'SIZE' }, columns: ['name', 'size'] as ('name' | 'size')[] };

test('a table has aligned columns, with a tab or a space between its fields', () => {
  const table = 'NAME     SIZE\na        12\nlonger   3\n';
  assert.equal(formatList(rows, list, undefined), table);
  for (const format of [
    'table',
    'table {{.name}}\t{{.size}}',
    'table {{.name}}\\t{{.size}}',
    'table {{.name}} {{.size}}',
  ])
    assert.equal(formatList(rows, list, format), table, format);
  assert.equal(formatList(rows, list, 'table {{.name}}: {{.size}}'), 'NAME: SIZE\na: 12\nlonger: 3\n');
});

test('any other template is written for each row as it is', () => {
  assert.equal(formatList(rows, list, '{{.name}} {{.size}}'), 'a 12\nlonger 3\n');
  assert.equal(formatList(rows, list, 'json'), '{"name":"a","size":"12"}\n{"name":"longer","size":"3"}\n');
});
