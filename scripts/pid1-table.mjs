#!/usr/bin/env node
/**
 * Measures what inits do as PID 1 and what they cost, and writes the tables of docs/pid1.md. Run it as a user without root; it takes some
 * minutes, most of them for all 256 exit codes of each. With --check, it only measures the first table again, with a few exit codes, and
 * prints what differs. With --nspawn, and as root, it does the same for the row of systemd-nspawn.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allCodes, BEHAVIOURS, INITS, Measurement } from './pid1/measure.mjs';
import { isInstalled, NSPAWN, NspawnMeasurement } from './pid1/nspawn.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TARGET = join(ROOT, 'docs', 'pid1.md');
const FOSTER = process.env.FOSTER ?? join(ROOT, 'dist', 'foster');
/** How often a start is measured, each init in turn. */
const ROUNDS = 15;

const IS_CHECK = process.argv.includes('--check');
const IS_NSPAWN = process.argv.includes('--nspawn');

const measurement = IS_NSPAWN ? new NspawnMeasurement() : new Measurement(FOSTER, process.env);
function report(sentence) {
  console.error(sentence);
  if (IS_CHECK) process.exitCode = 1;
}

const inits = (IS_NSPAWN ? [NSPAWN] : INITS).filter((init) => {
  const isThere = init === NSPAWN ? isInstalled() : measurement.isThere(init);
  if (!isThere) report(`${init.name} is not installed: run scripts/setup --test`);
  return isThere;
});

/** @param {string[]} head @param {string[][]} rows */
function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const NAMES = ['init', ...BEHAVIOURS.map(({ name }) => name)];

/** What an init does: a row of the table. @param {import('./pid1/measure.mjs').Init} init */
async function row(init) {
  const cells = [`\`${init.name}\``];
  for (const { of } of BEHAVIOURS) cells.push(await of(measurement, init));
  return cells;
}

async function behaviours() {
  const rows = [];
  for (const init of inits) {
    const cells = await row(init);
    const codes = await allCodes(measurement, init);
    if (codes !== cells[1]) throw new Error(`${init.name}: all exit codes: ${codes}, some: ${cells[1]}`);
    rows.push(cells);
    console.error(cells.join(' | '));
  }
  return table(NAMES, rows);
}

/** Reports each cell of the table in the document that is not what is measured now. @param {string} text */
async function check(text) {
  const shown = text.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  for (const init of inits) {
    const now = await row(init);
    const then = shown.find(([name]) => name === now[0]) ?? [];
    for (const [column, name] of NAMES.entries())
      if (now[column] !== then[column]) report(`${init.name}, ${name}: ${now[column]}, not ${then[column]}`);
  }
}

/** Runs foster. @param {string[]} words */
function foster(...words) {
  const { status, stdout, stderr } = spawnSync(FOSTER, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`foster ${words.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** The memory of PID 1 that is its own, and its share of what it shares, in KiB: proc_pid_smaps(5). @param {import('./pid1/measure.mjs').Init} init */
function memory(init) {
  const [, , ...words] = measurement.line(init, ['handler']);
  const id = foster('run', '-d', ...words);
  while (!foster('logs', id).includes('up'));
  const pid = foster('inspect', '-f', '{{.State.Pid}}', id);
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  foster('rm', '-f', '-t', '0', id);
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1]);
}

/** Milliseconds of CPU that the run of a program that ends at once takes, foster's part included. @param {import('./pid1/measure.mjs').Init} init */
function cpu(init) {
  const script = '"$@"; times';
  const { stdout } = spawnSync(
    'bash',
    ['-c', script, 'bash', FOSTER, ...measurement.line(init, ['exit', '0'])],
    {
      encoding: 'utf8',
    },
  );
  const [user, system] = (stdout.trim().split('\n').at(-1) ?? '').split(' ').map((time) => {
    const [minutes, seconds] = time.replace('s', '').split('m').map(Number);
    return (minutes * 60 + seconds) * 1000;
  });
  return user + system;
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function costs() {
  const measured = inits.filter(({ name }) => !/ -|,/.test(name));
  const times = new Map(measured.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const init of measured) times.get(init.name).push(cpu(init));
  const least = median(times.get('none'));
  const rows = measured.map((init) => {
    const path = init.own
      ? join(ROOT, 'dist', process.arch, 'foster-init')
      : spawnSync('which', [init.program ?? ''], { encoding: 'utf8' }).stdout.trim();
    const size = path === '' ? '-' : `${Math.round(statSync(path).size / 1024)}`;
    const own = init.name === 'none' ? '-' : String(memory(init));
    const more = init.name === 'none' ? '0' : (median(times.get(init.name)) - least).toFixed(0);
    return [`\`${init.name}\``, size, own, more];
  });
  return table(['init', 'program, KiB', 'memory, KiB PSS', 'more CPU than none, ms'], rows);
}

/** @param {string} text @param {string} name @param {string} content */
function replaced(text, name, content) {
  const [begin, end] = [`<!-- ${name}: scripts/pid1-table.mjs -->`, `<!-- end of ${name} -->`];
  if (!text.includes(begin) || !text.includes(end)) throw new Error(`docs/pid1.md has no place for ${name}`);
  const before = text.slice(0, text.indexOf(begin));
  return `${before}${begin}\n\n${content}\n\n${text.slice(text.indexOf(end))}`;
}

const text = readFileSync(TARGET, 'utf8');
if (IS_CHECK) await check(text);
else if (IS_NSPAWN) writeFileSync(TARGET, replaced(text, 'systemd-nspawn', await behaviours()));
else {
  const first = replaced(text, 'behaviours', await behaviours());
  writeFileSync(TARGET, replaced(first, 'costs', costs()));
}
