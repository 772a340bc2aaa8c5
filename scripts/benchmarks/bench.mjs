/** Shared by all benchmarks: running as the user, measuring, and tables. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname ?? new URL('.', import.meta.url).pathname;

/**
 * Where a benchmark runs.
 * @typedef {object} Bench
 * @property {string} foster the command
 * @property {string} work a folder that the user may read; `home`, `run`, `scratch` and `tmp` in it belong to the user
 * @property {string | undefined} user user for the commands; undefined for the caller
 */

/**
 * A table of the report.
 * @typedef {object} Table
 * @property {string} title
 * @property {string} text what is measured and how
 * @property {string[]} head
 * @property {string[][]} rows
 * @property {string[]} notes what was omitted, and why
 */

/** The command line that runs `argv` as the user, always with the same environment. */
export function asUser(bench, argv) {
  const { work, user } = bench;
  const name = user ?? process.env.USER ?? '';
  const environment = [
    `HOME=${join(work, 'home')}`,
    `XDG_RUNTIME_DIR=${join(work, 'run')}`,
    `PATH=${process.env.PATH}:/usr/sbin:/sbin`,
    `USER=${name}`,
    'LANG=C.UTF-8',
    'FOSTER_NETWORK=none', // as its peers here; what is measured with a network says so
  ];
  const become =
    user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--'];
  return [...become, 'env', '-i', ...environment, ...argv];
}

/** Runs a command as the user to its end. */
export function run(bench, argv, options = {}) {
  const [program, ...rest] = asUser(bench, argv);
  const result = spawnSync(program, rest, {
    encoding: 'utf8',
    cwd: join(bench.work, 'scratch'),
    maxBuffer: 1 << 26,
    timeout: 300_000,
    ...options,
  });
  if (result.error) throw result.error;
  return result;
}

/** Runs a command as the user, and returns its output. Throws if it fails. */
export function output(bench, argv, options = {}) {
  const { status, stdout, stderr } = run(bench, argv, options);
  if (status !== 0) throw new Error(`${argv.join(' ')} failed (${status}): ${stderr.trim()}`);
  return stdout;
}

/** Compiles NAME.c of this folder; returns the path of the static program. */
export function compiled(bench, name) {
  const folder = join(bench.work, 'programs');
  const program = join(folder, name);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const source = join(HERE, `${name}.c`);
  const result = spawnSync('gcc', ['-O2', '-static', '-o', program, source], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`cannot compile ${source}: ${result.stderr}`);
  return program;
}

/** The contestants that work on this machine, and for each of the others a note with its error. */
export function working(bench, contestants) {
  const notes = [];
  const good = contestants.filter(({ name, argv }) => {
    const { status, stderr } = run(bench, argv);
    if (status !== 0)
      notes.push(`${name} was omitted: ${stderr.trim().split('\n').at(-1) || `exit code ${status}`}`);
    return status === 0;
  });
  return { good, notes };
}

/**
 * Times commands in turn, so that other activity on the machine affects all of them equally.
 * @param {{name: string, argv: string[]}[]} contestants
 * @returns {number[][]} for each contestant the times of its runs in ms, without those of the warm-up
 */
export function race(bench, contestants, { rounds, warmup }) {
  const commands = contestants.flatMap(({ argv }, index) => (index === 0 ? argv : [':::', ...argv]));
  const text = output(bench, [compiled(bench, 'stopwatch'), String(rounds + warmup), ...commands]);
  const times = contestants.map(() => []);
  for (const line of text.trim().split('\n')) {
    const [index, ns, status] = line.split(' ').map(Number);
    if (status !== 0) throw new Error(`${contestants[index].name} failed once with ${status}`);
    times[index].push(ns / 1e6);
  }
  return times.map((of) => of.slice(warmup));
}

/** How long it takes, in seconds. */
export function seconds(act) {
  const began = performance.now();
  act();
  return (performance.now() - began) / 1000;
}

/** The quantile `part` of the values. */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

export function median(values) {
  return quantile(values, 0.5);
}

export function ratio(value, base) {
  return `${(value / base).toFixed(2)} ×`;
}

/** A Markdown table, aligned so that it is readable as plain text, too. */
export function markdown({ title, text, head, rows, notes }) {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column].length)));
  const pad = (cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
  const line = (cells) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const parts = [`## ${title}`, text, [line(head), rule, ...rows.map(line)].join('\n')];
  if (notes.length > 0) parts.push(notes.map((note) => `- ${note}`).join('\n'));
  return parts.join('\n\n');
}
