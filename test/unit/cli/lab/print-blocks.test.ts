import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layout } from '../../../../src/cli/lab/print-blocks.js';

test('commands and output keep their lines; others are broken, and the first begins with what they are', () => {
  const command = `$ foster run ${'x'.repeat(100)}`;
  assert.deepEqual(layout({ kind: 'command', text: command }, 20), [`  ${command}`]);
  assert.deepEqual(layout({ kind: 'output', text: 'a\n  b' }, 20), ['  | a', '  |   b']);
  assert.deepEqual(layout({ kind: 'title', text: 'Title' }, 20), ['', '== Title']);
  assert.deepEqual(layout({ kind: 'item', text: 'a) one two three' }, 12), ['  a) one two', '     three']);
  assert.deepEqual(layout({ kind: 'prose', text: 'one two' }, 4), ['one', 'two']);
});
