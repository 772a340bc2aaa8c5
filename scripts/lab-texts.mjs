#!/usr/bin/env node
/**
 * Keeps track of which English text each translation of the labs (src/lab) was made from: test/unit/lab/translations.txt has
 * a line for each, with the start of the SHA-256 of the translation, and of the English text. A translation whose English text has
 * changed since is stale.
 *
 *   --check      only reports what is missing, stale or not recorded, and fails then
 *   --reviewed   records also translations that are still right, though the English text has changed
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const RECORD = process.env.FOSTER_TRANSLATIONS ?? join(ROOT, 'test/unit/lab/translations.txt');
const isCheck = process.argv.includes('--check');
const isReviewed = process.argv.includes('--reviewed');

/** The exports of all labs, and the messages. */
async function loadTexts() {
  const labs = readdirSync(join(ROOT, 'src/lab/labs')).filter((name) => name.endsWith('.ts'));
  const files = [...labs.map((name) => join('src/lab/labs', name)), 'src/lab/messages.ts'];
  const folder = mkdtempSync(join(tmpdir(), 'foster-texts-'));
  try {
    const outfile = join(folder, 'texts.mjs');
    const contents = files
      .map((file) => `export * as ${basename(file, '.ts').replaceAll('-', '_')} from './${file}';`)
      .join('\n');
    const banner = {
      js: `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(`${ROOT}/`)});`,
    };
    await build({
      ...{ stdin: { contents, resolveDir: ROOT }, bundle: true, platform: 'node', format: 'esm', outfile },
      ...{ external: ['koffi'], banner, logLevel: 'error' },
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** All texts with their places: `zombies.lab.steps.0.why`. */
function textsIn(value, place) {
  if (value === null || typeof value !== 'object') return [];
  if (typeof value.en === 'string') return [{ place, en: value.en, zh: value.zh ?? '' }];
  return Object.entries(value).flatMap(([name, part]) => textsIn(part, `${place}.${name}`));
}

const digest = (text) => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Names, numbers and commands may be the same in both languages. */
const needsTranslation = ({ en, zh }) => {
  const words = en.replace(/`[^`]*`|\{\w+\}/g, '').match(/[a-z]{2,}/gi) ?? [];
  return words.length > 2 || (words.length > 0 && en !== zh);
};

/** The lines of the record. */
function readRecord() {
  try {
    return readFileSync(RECORD, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

const known = new Set(readRecord());
const texts = Object.entries(await loadTexts()).flatMap(([name, value]) => textsIn(value, name));
const faults = [];
const lineOf = (text) => `${digest(text.zh)} ${digest(text.en)}`;
const record = new Set(texts.filter(needsTranslation).map(lineOf));
/** Translations whose English text is gone. */
const left = new Set([...known].filter((line) => !record.has(line)).map((line) => line.split(' ')[0]));
for (const text of texts.filter(needsTranslation)) {
  const line = lineOf(text);
  if (!/\p{Script=Han}/u.test(text.zh)) faults.push(`${text.place}: the Chinese text is missing`);
  else if (/\p{Script=Han}[,;:?!]|[,;?!]\p{Script=Han}/u.test(text.zh.replace(/`[^`]*`/g, '')))
    faults.push(`${text.place}: half-width punctuation in the Chinese text`);
  else if (!known.has(line) && left.has(digest(text.zh)) && !isReviewed)
    faults.push(`${text.place}: the Chinese text is older than the English one`);
  else if (!known.has(line) && isCheck)
    faults.push(`${text.place}: not recorded: run node scripts/lab-texts.mjs`);
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else if (!isCheck) writeFileSync(RECORD, [...record].toSorted().join('\n').concat('\n'));
