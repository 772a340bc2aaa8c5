import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'foster-translations-'));
after(() => rmSync(folder, { recursive: true }));

/** What scripts/lab-texts.mjs --check reports, by a record of translations. */
function check(record: string): string {
  const path = join(folder, 'translations.txt');
  writeFileSync(path, record);
  const { stderr, status } = spawnSync(process.execPath, ['scripts/lab-texts.mjs', '--check'], {
    env: { ...process.env, FOSTER_TRANSLATIONS: path },
    encoding: 'utf8',
  });
  assert.equal(status, stderr === '' ? 0 : 1);
  return stderr;
}

const record = readFileSync('test/unit/lab/translations.txt', 'utf8');

test('each text of the labs is translated, and no translation is older than its English text', () => {
  assert.equal(check(record), '');
});

test('a translation whose English text has changed since is found, and one that was not recorded', () => {
  const [first = '', second = '', ...others] = record.trimEnd().split('\n');
  const [translation] = first.split(' ');
  assert.match(
    check([`${translation} 000000000000`, second, ...others].join('\n')),
    /is older than the English/,
  );
  assert.match(
    check([first, ...others].join('\n')),
    /^\S+: not recorded: run node scripts\/lab-texts\.mjs\n$/,
  );
});
