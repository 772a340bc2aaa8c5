/** What is made from the help of all commands: the end of docs/manual.md, and the manual pages. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandReference } from '../../../src/cli/reference.js';

const PAGES = 'dist/man/man1';

test('the reference in the manual is what --help prints (scripts/manual.mjs writes it)', async () => {
  const reference = readFileSync('docs/manual.md', 'utf8').split('## Reference')[1] ?? '';
  const sections = [...reference.matchAll(/^### foster ([a-z -]+)\n\n```text\n([\s\S]*?)\n```$/gm)];
  const helps = new Map((await commandReference(80)).map(({ words, text }) => [words.join(' '), text]));
  for (const [, command = '', text = ''] of sections) assert.equal(`${text}\n`, helps.get(command), command);
  const missing = [...helps.keys()].filter(
    (name) => name !== '' && !name.includes(' ') && !sections.some(([, command]) => command === name),
  );
  assert.deepEqual(missing, []);
});

test('package.json lists a manual page for each command (scripts/manual.mjs writes it)', async () => {
  const expected = (await commandReference(80)).map(({ words }) => `${['foster', ...words].join('-')}.1`);
  const { man } = JSON.parse(readFileSync('package.json', 'utf8')) as { man: string[] };
  assert.deepEqual(
    man,
    expected.toSorted().map((name) => `${PAGES}/${name}`),
  );
  assert.deepEqual(readdirSync(PAGES).toSorted(), expected.toSorted());
});

test('groff formats every manual page without a warning', () => {
  const files = readdirSync(PAGES).map((name) => `man1/${name}`);
  const groff = spawnSync('groff', ['-man', '-ww', '-b', '-Tutf8', ...files], {
    cwd: 'dist/man',
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  assert.deepEqual([groff.status, groff.stderr], [0, '']);
});

test('a manual page has the options, a heading for each group of them, and the examples', () => {
  const { status, stdout } = spawnSync('man', ['foster-image-rm'], {
    env: { ...process.env, MANPATH: `${process.cwd()}/dist/man`, MANWIDTH: '80', LC_ALL: 'C' },
    encoding: 'utf8',
  });
  const page = stdout.replace(/.\x08/g, '');
  assert.equal(status, 0);
  assert.match(page, /^FOSTER-RMI\(1\)/, 'the same page as that of the shorter name');
  assert.match(page, /\nSYNOPSIS\n {7}foster rmi \[options\]/);
  assert.match(page, /\nOPTIONS\n/);
  assert.match(page, /\n {7}-f, --force\n/);
  assert.match(page, /\nEXAMPLES\n/);
});
