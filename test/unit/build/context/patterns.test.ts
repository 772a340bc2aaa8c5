import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IgnoreRules, Pattern } from '../../../../src/build/context/patterns.js';

function ignored(rules: string, paths: string[]): string[] {
  const ignore = new IgnoreRules(rules);
  return paths.filter((path) => ignore.ignores(path));
}

test('patterns as in Go', () => {
  const fitting: [string, string][] = [
    ['*.txt', 'a.txt'],
    ['a?c', 'abc'],
    ['[a-c]x', 'bx'],
    ['[^a]x', 'bx'],
    ['a\\*', 'a*'],
    ['a.b', 'a.b'],
    ['**/x', 'x'],
    ['**/x', 'a/b/x'],
    ['a/**', 'a/b/c'],
    ['**a**/b', 'axxa/b'],
    ['a**/b', 'axx/b'],
    ['a/**/b', 'a/b'],
    ['[a', '[a'],
  ];
  for (const [pattern, path] of fitting)
    assert.ok(new Pattern(pattern).matches(path), `${pattern} fits ${path}`);
  const others: [string, string][] = [
    ['*.txt', 'a/b.txt'],
    ['a?c', 'a/c'],
    ['[^a]x', 'ax'],
    ['a\\*', 'ab'],
    ['a.b', 'axb'],
    ['a', 'ab'],
    ['**/x', 'yx'],
    ['a/**/b', 'a/xb'],
    ['a**/b', 'axxb'],
  ];
  for (const [pattern, path] of others)
    assert.ok(!new Pattern(pattern).matches(path), `${pattern} and ${path}`);
});

test('a pattern with many wildcards takes no longer than one with few', () => {
  const start = performance.now();
  const name = 'a'.repeat(250);
  for (const pattern of [`${'*a'.repeat(100)}b`, `${'**/'.repeat(100)}b`, `${'**a'.repeat(100)}b`])
    assert.ok(!new Pattern(pattern).matches(`${`${name}/`.repeat(4)}${name}`));
  assert.ok(performance.now() - start < 60_000); // one that tries all ways would never end
});

test('many sets without an end take no time', () => {
  for (const text of [`${'['.repeat(100_000)}\\]`, '[\\]'.repeat(100_000)])
    assert.ok(new Pattern(text).matches(text.replaceAll('\\', '')));
  assert.ok(new Pattern('[][a]').matches('[]a'));
});

test('invalid patterns are refused in a sentence', () => {
  assert.throws(() => new Pattern('[z-a]'), {
    message: "'[z-a]' is not a valid pattern: [z-a] is not a valid set of characters",
  });
  assert.throws(() => new Pattern('*a'.repeat(300)), /more than 200 wildcards$/);
});

test('excluding a directory excludes everything in it', () => {
  assert.deepEqual(
    ignored('node_modules\n', ['node_modules', 'node_modules/a/b', 'src/node_modules', 'nodes']),
    ['node_modules', 'node_modules/a/b'],
  );
});

test('comments, empty lines, slashes at either end, and .. do not matter', () => {
  assert.deepEqual(ignored('# x\n\n/a/\n./b\n c \nd/../e\n', ['a', 'b', 'c', 'd', 'e', '# x']), [
    'a',
    'b',
    'c',
    'e',
  ]);
});

test('the last matching pattern decides', () => {
  assert.deepEqual(ignored('*\n!a\n!b/c\nb/c/d', ['a', 'a/x', 'b', 'b/c', 'b/c/d', 'b/c/e', 'z']), [
    'b',
    'b/c/d',
    'z',
  ]);
  assert.deepEqual(ignored('!a\n*', ['a']), ['a']);
  assert.deepEqual(ignored('**/*.md\n!README.md', ['README.md', 'x/README.md', 'a.md']), [
    'x/README.md',
    'a.md',
  ]);
});

test('a directory is skipped if no exception can be below it', () => {
  const rules = new IgnoreRules('*\n!src/keep\n');
  assert.equal(rules.ignoresAll('node_modules'), true);
  assert.equal(rules.ignoresAll('src'), false);
  assert.equal(rules.ignoresAll('src/other'), true);
  assert.equal(new IgnoreRules('*\n!**/keep\n').ignoresAll('a'), false);
  assert.equal(new IgnoreRules('a\n').ignoresAll('a'), true);
});
