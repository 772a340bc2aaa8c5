import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOptions, EXEC_OPTIONS, RUN_OPTIONS } from '../../../src/engine/check-options.js';

test('options of a program in JavaScript that a compiler would refuse', () => {
  const cases: [object, RegExp][] = [
    [{ root: 'busybox', readonly: true }, /^there is no option 'readonly'; did you mean readOnly\?$/],
    [{ completely: 1 }, /^there is no option 'completely'; the options are .*, root, bundle, command, /],
    [{ constructor: 1 }, /^there is no option 'constructor'/],
    [{ command: 'ls' }, /^command: expected a list of strings, got "ls"$/],
    [{ command: ['sleep', 5] }, /^command: expected a list of strings, got \["sleep",5\]$/],
    [{ ports: '8080:80' }, /^ports: expected a list of strings/],
    [{ env: ['A=1'] }, /^env: expected an object, got \["A=1"\]$/],
    [{ env: null }, /^env: expected an object, got null$/],
    [{ remove: 'false' }, /^remove: expected true or false, got "false"$/],
    [{ stopTimeout: '5' }, /^stopTimeout: expected a number/],
    [{ name: () => 'x' }, /^name: expected a string, got function$/],
  ];
  for (const [options, sentence] of cases) {
    assert.throws(
      () => checkOptions(options, RUN_OPTIONS),
      ({ kind, sentence: text }) => kind === 'invalid' && sentence.test(text),
      String(sentence),
    );
  }
  const { signal } = new AbortController();
  checkOptions({ root: 'busybox', command: [], network: ['a'], remove: undefined, signal }, RUN_OPTIONS);
  checkOptions({ command: ['ls'], stdin: 'x', detach: true }, EXEC_OPTIONS);
  assert.throws(() => checkOptions({ command: ['ls'], cwd: '/' }, EXEC_OPTIONS), /no option 'cwd'/);
});
