import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayWidth, drawTable, ellipsis } from '../../../../src/cli/format/table.js';

test('columns are aligned, the last is not padded', () => {
  const text = drawTable([
    ['ID', 'NAME', 'X'],
    ['abc', 'a', ''],
    ['a', 'long name', 'yes'],
  ]);
  assert.equal(text, 'ID    NAME        X\nabc   a           \na     long name   yes\n');
  assert.equal(drawTable([]), '');
});

test('wide and combining characters are counted as shown', () => {
  assert.equal(displayWidth('abc'), 3);
  assert.equal(displayWidth('日本'), 4);
  assert.equal(displayWidth('e\u0301'), 1);
  assert.equal(displayWidth('🐦'), 2);
  assert.equal(
    drawTable([
      ['日', 'x'],
      ['ab', 'y'],
    ]),
    '日   x\nab   y\n',
  );
});

test('cells cannot control the terminal', () => {
  assert.equal(drawTable([['a\x1b[2Jb\nc']]), 'a\\u001b[2Jb\\nc\n');
});

test('ellipsis', () => {
  assert.equal(ellipsis('short', 5), 'short');
  assert.equal(ellipsis('longer', 5), 'long…');
  assert.equal(ellipsis('🐦🐦🐦', 2), '🐦…');
});
