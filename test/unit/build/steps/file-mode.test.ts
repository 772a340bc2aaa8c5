import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedMode, checkMode } from '../../../../src/build/steps/file-mode.js';

test('modes as in chmod(1)', () => {
  const cases: [text: string, before: number, isDirectory: boolean, after: number][] = [
    ['755', 0o600, false, 0o755],
    ['+x', 0o644, false, 0o755],
    ['u=rwX,go=rX', 0o600, false, 0o644],
    ['u=rwX,go=rX', 0o700, false, 0o755],
    ['u=rwX,go=rX', 0o600, true, 0o755],
    ['a-w', 0o777, false, 0o555],
    ['g=u', 0o640, false, 0o660],
    ['o=', 0o777, false, 0o770],
    ['ug+s,o+t', 0o755, false, 0o7755],
    ['u+t', 0o755, false, 0o755],
    ['+t', 0o755, true, 0o1755],
    ['u+r-w', 0o200, false, 0o400],
    ['u=rw', 0o4755, false, 0o655],
  ];
  for (const [text, before, isDirectory, after] of cases) {
    checkMode(text);
    assert.equal(changedMode(text, before, isDirectory).toString(8), after.toString(8), text);
  }
  for (const text of ['', '888', 'rwx', 'u+z', '12345', 'u=r,', '+x ']) {
    assert.throws(() => checkMode(text), /expected an octal number/, text);
  }
});
