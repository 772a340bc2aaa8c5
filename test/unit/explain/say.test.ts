import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENGLISH, sayIn, TRANSLATIONS } from '../../../src/explain/say.js';

/** The sources that say something. That they say nothing without a translation is what the compiler makes sure of. */
const SOURCES = [
  ...readdirSync('src/explain')
    .filter((name) => name !== 'say.ts')
    .map((name) => join('src/explain', name)),
  'src/plan/narrate.ts',
  'src/sys/process-states.ts',
  'src/cli/system/explain.ts',
];

test('every sentence with a translation is said somewhere', () => {
  const text = SOURCES.filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const isSaid = (phrase: string) =>
    text.includes(`'${phrase}'`) || text.includes(`"${phrase}"`) || new RegExp(`\\b${phrase}:`).test(text);
  assert.deepEqual(
    Object.keys(TRANSLATIONS).filter((phrase) => !isSaid(phrase)),
    [],
  );
});

test('a translation has the values of its sentence, and is in Chinese', () => {
  const values = (text: string) => [...text.matchAll(/\{\d\}/g)].map(([value]) => value).sort();
  for (const [english, chinese] of Object.entries(TRANSLATIONS)) {
    assert.deepEqual(values(chinese), values(english), english);
    if (/[a-z]{2,} [a-z]{2,}/i.test(english)) assert.match(chinese, /\p{Script=Han}/u, english);
  }
});

test('values are said as they are, in the order of the language', () => {
  assert.equal(ENGLISH('{1}, {2} in it', '{2}', '$&'), '{2}, $& in it');
  assert.equal(sayIn('zh')('{1} layers of {2}', 3, 'web'), 'web 的 3 个层');
});
