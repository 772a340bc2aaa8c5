import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayWidth } from '../../../../src/cli/format/table.js';
import { wrapCommand, wrapText, wrapWords } from '../../../../src/cli/format/wrap.js';

test('words are kept whole; Chinese is broken between characters, but not before punctuation', () => {
  assert.deepEqual(wrapWords('one two three four', 9), ['one two', 'three', 'four']);
  const head = { first: 'a) ', hanging: '   ' };
  assert.deepEqual(wrapWords('one two three', 10, head), ['a) one two', '   three']);
  assert.deepEqual(wrapWords('僵尸进程，占着位置。', 8), ['僵尸进程，', '占着位置。']);
  assert.deepEqual(wrapWords('在 PID 1 之下的 sleep 进程', 10), ['在 PID 1', '之下的', 'sleep 进程']);
  assert.deepEqual(wrapWords('a-very-long-word b', 5), ['a-very-long-word', 'b']);
  assert.deepEqual(wrapWords('', 5), ['']);
  assert.deepEqual(wrapWords('a process\nwith a break', 80), ['a process with a break']);
  const text = '每个进程都有父进程。如果父进程先结束，子进程就成了孤儿进程，由 PID 1 收养它。';
  for (const width of [20, 40, 80])
    for (const line of wrapWords(text, width)) assert.ok(displayWidth(line) <= width + 2, line);
});

test('lines are broken where words end, and what is too long anywhere', () => {
  assert.deepEqual(wrapText('one two three', 7), ['one two', 'three']);
  assert.deepEqual(wrapText('abcdefgh', 3, 1), ['abc', ' de', ' fg', ' h']);
  assert.deepEqual(wrapText('', 10), ['']);
  assert.deepEqual(wrapText('进程命名空间', 4), ['进程', '命名', '空间']);
  assert.deepEqual(wrapText('A|B|C', 4, 1), ['A|B|', ' C']);
});

test('no line begins with punctuation, nor is it wider than it may be', () => {
  assert.deepEqual(wrapText('僵尸进程，占着', 8), ['僵尸进', '程，占着']);
  const text = '每个进程都有父进程。如果父进程先结束，子进程就成了孤儿进程，由 PID 1 收养它。';
  for (const line of wrapText(text, 20)) {
    assert.ok(displayWidth(line) <= 20, line);
    assert.doesNotMatch(line, /^[，。]/);
  }
});

test('what is typed is broken at spaces', () => {
  assert.deepEqual(wrapCommand('foster run a|b -v /c/d:/e', 12, 2), ['foster run', '  a|b -v', '  /c/d:/e']);
});
