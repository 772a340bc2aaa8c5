// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Compose files
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDotenv } from '../../../src/compose/dotenv.js';
import { interpolate, VariableError, variablesOf } from '../../../src/compose/variables.js';
import { shellWords } from '../../../src/compose/words.js';

const env = { NAME: 'value', EMPTY: '', OTHER: 'other' };

function replaced(text: string): string {
  return interpolate(
    text,
    variablesOf(env, () => {}),
  );
}

test('variables are replaced, with defaults, replacements and dollar signs', () => {
  const cases: [string, string][] = [
    ['plain', 'plain'],
    ['$NAME', 'value'],
    ['a${NAME}b$OTHER.', 'avaluebother.'],
    ['$$NAME $${NAME}', '$NAME ${NAME}'],
    ['${MISSING}', ''],
    ['${MISSING:-x y}', 'x y'],
    ['${EMPTY:-x}|${EMPTY-x}|${NAME:-x}', 'x||value'],
    ['${NAME:+set}|${EMPTY:+set}|${EMPTY+set}|${MISSING+set}', 'set||set|'],
    ['${MISSING:-${NAME}}', 'value'],
    ['${MISSING:-${ALSO:-$OTHER}}!', 'other!'],
    ['${NAME:?must be there}', 'value'],
    ['${NAME:+${OTHER}-}', 'other-'],
    ['${MISSING:-}', ''],
    ['${MISSING:-a$$b}', 'a$b'],
  ];
  for (const [text, expected] of cases) assert.equal(replaced(text), expected, text);
});

test('what is no variable is an error that says why', () => {
  const cases: [string, RegExp][] = [
    ['${MISSING:?set it}', /^the variable MISSING is not set: set it$/],
    ['${EMPTY:?}', /^the variable EMPTY is empty$/],
    ['${MISSING?}', /is not set$/],
    ['100$', /write \$\$ for a dollar sign/],
    ['$1', /write \$\$/],
    ['${NAME', /expected }/],
    ['${NAME:-x', /the } of a variable is missing/],
    ['${}', /expected the name of a variable/],
    ['${NAME!x}', /expected }, :-, :\? or :\+/],
  ];
  for (const [text, expected] of cases)
    assert.throws(
      () => replaced(text),
      (error) => error instanceof VariableError && expected.test(error.message),
      text,
    );
});

test('each variable that is not set is warned of once, but not where it is not needed', () => {
  const warned: string[] = [];
  const variables = variablesOf(env, (sentence) => void warned.push(sentence));
  interpolate('$A ${A} ${B} ${NAME:-$C} ${C:-x} ${EMPTY:+$D}', variables);
  assert.deepEqual(warned, [
    'the variable A is not set: it is replaced by nothing',
    'the variable B is not set: it is replaced by nothing',
  ]);
});

test('a file of variables: quotes, comments, export, several lines, variables', () => {
  const text = [
    '# comment',
    'PLAIN=a b # comment',
    'export EXPORTED=x',
    'HASH=a#b',
    "SINGLE='a $NAME \\n'",
    'DOUBLE="a\\n$NAME \\$NAME"',
    'LINES="one',
    'two"',
    'YAML: value',
    'EMPTY=',
    'FIRST=$PLAIN!',
    'DEFAULT=${UNSET:-d}',
    'INHERITED',
    'UNKNOWN',
  ].join('\n');
  const found = parseDotenv(text, '.env', (name) => ({ NAME: 'outside', INHERITED: 'inherited' })[name]);
  assert.deepEqual(Object.fromEntries(found), {
    PLAIN: 'a b',
    EXPORTED: 'x',
    HASH: 'a#b',
    SINGLE: 'a $NAME \\n',
    DOUBLE: 'a\noutside $NAME',
    LINES: 'one\ntwo',
    YAML: 'value',
    EMPTY: '',
    FIRST: 'a b!',
    DEFAULT: 'd',
    INHERITED: 'inherited',
    UNKNOWN: undefined,
  });
  assert.throws(
    () => parseDotenv('A=1\n=2', '.env', () => undefined),
    /^FosterError: \.env:2: expected NAME=value/,
  );
  assert.throws(
    () => parseDotenv('A="1\n', '.env', () => undefined),
    /^FosterError: \.env:1: the value of A has no closing "/,
  );
});

test('spaces in the value of a variable take no time', () => {
  const value = `a${' '.repeat(1_000_000)}b`;
  assert.deepEqual(
    parseDotenv(`A=${value} # x\n`, '.env', () => undefined),
    new Map([['A', value]]),
  );
});

test('a command in one text is split as a shell splits it', () => {
  const cases: [string, string[] | undefined][] = [
    ['nginx -g "daemon off;"', ['nginx', '-g', 'daemon off;']],
    ['sh -c \'echo "$HOME"\'', ['sh', '-c', 'echo "$HOME"']],
    ['a\\ b "c\\"d" e\'f\'g', ['a b', 'c"d', 'efg']],
    ['  spaced   out ', ['spaced', 'out']],
    ['a "" b', ['a', '', 'b']],
    ['"\\n"', ['\\n']],
    ['', []],
    ['"open', undefined],
    ["'open", undefined],
    ['end\\', undefined],
  ];
  for (const [text, expected] of cases) assert.deepEqual(shellWords(text), expected, text);
});
