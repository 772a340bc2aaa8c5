/**
 * The table of command lines in test/compat/*.txt, and the lists of Docker's and Podman's options beside it.
 *
 *     # a heading of docs/compatibility.md
 *     begin: foster run -d --name web $I sleep 1000      before the rows, in each tool
 *     same: foster ps --filter name=web                  the same exit code and output as Podman
 *     docker: foster stop --timeout 1 web                as Docker; Podman does not have this
 *       => 0 web                                         exit code, and a regular expression of what it prints
 *     differs: foster kill nope                          foster and Podman behave differently
 *       The exit code is Docker's.                       how, or why
 *     refused: foster run -v name:/data $I true          foster refuses it, and says why
 *     later same: foster ps --sort names                 not yet: fails if foster already does it
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const FOLDER = join(ROOT, 'test/compat');

const ROW = /^(later )?(begin|same|docker|differs|refused): (.*)$/;
const ORDER = [
  'run',
  'run-flags',
  'limits',
  'containers',
  'listing',
  'exec',
  'volumes',
  'networks',
  'pods',
  'kube',
  'images',
  'build',
  'system',
  'global',
];

/** All rows: `{ file, line, title, isLater, verdict, script, status, output, note }`. */
export function readTable() {
  const names = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => name.slice(0, -'.txt'.length))
    .toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  return names.flatMap((file) => readRows(file));
}

function readRows(file) {
  const rows = [];
  let title = file;
  const lines = readFileSync(join(FOLDER, `${file}.txt`), 'utf8').split('\n');
  for (const [index, line] of lines.entries()) {
    const where = `test/compat/${file}.txt:${index + 1}`;
    const last = rows.at(-1);
    const row = ROW.exec(line);
    if (row !== null) {
      const [, later, verdict, script] = row;
      rows.push({ file, where, title, isLater: later !== undefined, verdict, script, note: '' });
    } else if (line.startsWith('# ')) title = line.slice(2);
    else if (/^\s+=> /.test(line) && last !== undefined) {
      const [, status, output] = /^\s+=> (\d+)(?: (.*))?$/.exec(line) ?? [];
      if (status === undefined) throw new Error(`${where}: expected "=> CODE [OUTPUT]"`);
      Object.assign(last, { status: Number(status), output });
    } else if (/^\s+\S/.test(line) && last !== undefined) last.note = `${last.note} ${line.trim()}`.trim();
    else if (line.trim() !== '') throw new Error(`${where}: not understood: ${line}`);
  }
  return rows;
}

/** Removes the mark "later" of a row from its file. */
export function hasLanded({ file, verdict, script }) {
  const path = join(FOLDER, `${file}.txt`);
  const line = `${verdict}: ${script}\n`;
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(`later ${line}`, () => line),
  );
}

/** The commands of a tool: a map from each command to its options, `{ names, takesValue }`. */
export function readOptions(tool) {
  const lines = readFileSync(join(FOLDER, 'options', `${tool}.txt`), 'utf8').split('\n');
  return new Map(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const words = line.split(' ');
        const path = words.filter((word) => !word.startsWith('-')).join(' ');
        const options = words
          .filter((word) => word.startsWith('-'))
          .map((word) => ({ names: word.replace('=', '').split(','), takesValue: word.endsWith('=') }));
        return [path === '(global)' ? '' : path, options];
      }),
  );
}

/** Commands whose first operand ends the options. */
const PASS_THROUGH = /^(run|create|exec|unshare|top|(container|podman) (run|create|exec|top))$/;

/**
 * The commands that a script runs, with the options that it gives them.
 * @param known options by command, as in `readOptions`
 */
export function usesOf(script, known) {
  const quoted = [...script.matchAll(/'([^']*foster [^']*)'/g)].flatMap(([, inner]) => usesOf(inner, known));
  const plain = script.replace(/'[^']*'|"[^"]*"/g, (text) => text.replace(/[\s;|&()]/g, '_'));
  const own = [...plain.matchAll(/(?<![\w/.$-])foster (?=[\w-])([^;|&)\n`]*)/g)].flatMap(([, text]) => {
    const words = text.split(/\s+/).filter((word) => word !== '' && !/^\d?[<>]/.test(word));
    const global = takeOptions(words, known.get('') ?? [], true);
    const rest = words.slice(global.end);
    const two = rest.slice(0, 2).join(' ');
    const three = rest.slice(0, 3).join(' ');
    const path = [three, two, rest[0] ?? ''].find((name) => known.has(name));
    const uses = [{ path: '', names: global.names }];
    if (path === undefined) return uses;
    const after = rest.slice(path === '' ? 0 : path.split(' ').length);
    return [
      ...uses,
      { path, names: takeOptions(after, known.get(path) ?? [], PASS_THROUGH.test(path)).names },
    ];
  });
  return [...own, ...quoted];
}

function takeOptions(words, options, stopsAtOperand) {
  const names = [];
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at];
    if (!word.startsWith('-') || word === '-') {
      if (stopsAtOperand) break;
      continue;
    }
    if (word === '--') break;
    const [name] = word.split('=');
    const isLong = word.startsWith('--');
    const letters = isLong ? [name] : [...name.slice(1)].map((letter) => `-${letter}`);
    for (const [index, one] of letters.entries()) {
      const option = options.find((candidate) => candidate.names.includes(one));
      names.push(one);
      if (!option?.takesValue) continue;
      if (index === letters.length - 1 && !word.includes('=')) at++;
      break;
    }
  }
  return { names, end: at };
}
