// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Dockerfiles
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  expand,
  expandWords,
  jsonWords,
  splitPair,
  splitWords,
} from '../../../../src/build/dockerfile/words.js';

const VARIABLES: Record<string, string> = { A: 'one', EMPTY: '', PATH_: '/x y' };
const variables = (name: string) => VARIABLES[name];
const OPTIONS = { escape: '\\' };

function expanded(word: string, options: { escape: string; raw?: boolean } = OPTIONS): string {
  return expand(word, variables, options);
}

test('variables are expanded, quotes and escapes removed', () => {
  const cases: [string, string][] = [
    ['$A', 'one'],
    ['a${A}b', 'aoneb'],
    ['$NO', ''],
    ['$', '$'],
    ['a$-b', 'a$-b'],
    ['\\$A', '$A'],
    ["'$A'", '$A'],
    ['"$A \\$A \\" \\n"', 'one $A " \\n'],
    ['a\\ b', 'a b'],
    ['"it\'s"', "it's"],
    ['${A:-x}', 'one'],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY-x}', ''],
    ['${NO-x}', 'x'],
    ['${NO:-${A}/y}', 'one/y'],
    ['${A:+x}', 'x'],
    ['${EMPTY:+x}', ''],
    ['${EMPTY+x}', 'x'],
    ['${NO+x}', ''],
    ['${NO:-"a b"}', 'a b'],
  ];
  for (const [word, result] of cases) assert.equal(expanded(word), result, word);
});

test('a backtick may be the escape character', () => {
  assert.equal(expanded('C:\\x`$A', { escape: '`' }), 'C:\\x$A');
});

test('in here-documents only variables count', () => {
  assert.equal(expanded('"$A" \'$A\' \\n \\$A', { escape: '\\', raw: true }), '"one" \'one\' \\n $A');
});

test('an invalid substitution is an error', () => {
  for (const word of ['${A', '"a', "'a", '${}', '${A#x}', '${A/x/y}', '${NO:?must be set}']) {
    assert.throws(() => expanded(word), { name: 'FosterError' }, word);
  }
  assert.throws(() => expanded('${NO:?must be set}'), /NO: must be set/);
});

test('words are split at spaces outside quotes', () => {
  assert.deepEqual(splitWords('a="b c"  d\\ e \'f g\' h', '\\'), ['a="b c"', 'd\\ e', "'f g'", 'h']);
  assert.deepEqual(splitWords(' ', '\\'), []);
  assert.deepEqual(expandWords('$PATH_ "$PATH_"', variables, OPTIONS), ['/x', 'y', '/x y']);
});

test('the exec form is a JSON array of strings, anything else is the shell form', () => {
  assert.deepEqual(jsonWords('["a b", "c"]'), ['a b', 'c']);
  for (const text of ["['a']", '["a", 1]', '[ -f x ] && y', 'a'])
    assert.equal(jsonWords(text), undefined, text);
});

test('a pair is split at its first equals sign', () => {
  assert.deepEqual(splitPair('a=b=c'), ['a', 'b=c']);
  assert.equal(splitPair('=b'), undefined);
  assert.equal(splitPair('a'), undefined);
});
