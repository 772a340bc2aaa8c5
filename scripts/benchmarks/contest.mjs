/** Commands that leave files behind, each time into an empty place: how long they take, and what of the machine. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asUser, median, output, run } from './bench.mjs';
import { family, proportionalSize } from './processes.mjs';

const SAMPLES_EVERY_MS = 20;

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {{[step: string]: string[]}} steps command lines, one after the other on the same place
 */

/**
 * @typedef {object} Cost
 * @property {number} seconds
 * @property {number} cpu seconds in user and system mode, of the command and of all its descendants
 */

/**
 * Lets contestants run in turn. A first round is not timed: it warms up and shows peaks of memory.
 * @param {string} place where they write: removed after each
 * @returns {{results: {name: string, costs: {[step: string]: Cost[]}, peaks: {[step: string]: number}}[], notes: string[]}}
 *   costs by round; peaks in MiB. Of those that fail in the first round there is a note instead
 */
export async function contest(bench, contestants, { place, rounds }) {
  const results = [];
  const notes = [];
  for (const { name, steps } of contestants) {
    try {
      const peaks = {};
      for (const [step, argv] of Object.entries(steps)) peaks[step] = await peak(bench, argv);
      results.push({ name, steps, peaks, costs: mapValues(steps, () => []) });
    } catch (error) {
      notes.push(`${name} is left out: ${error.message.trim().split('\n').at(-1)}`);
    }
    remove(bench, place);
  }
  for (let round = 0; round < rounds; round++) {
    for (const { steps, costs } of results) {
      for (const [step, argv] of Object.entries(steps)) costs[step].push(timed(bench, argv));
      remove(bench, place);
    }
  }
  return { results, notes };
}

export function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

/** What several steps cost together, each of their medians taken over the sums of the rounds. */
export function medianCost(costs, steps) {
  const [first] = steps;
  const sums = (key) =>
    costs[first].map((_, round) => steps.reduce((sum, step) => sum + costs[step][round][key], 0));
  return { seconds: median(sums('seconds')), cpu: median(sums('cpu')) };
}

/** Removes as the user what may belong to any of its ids. */
function remove(bench, path) {
  if (process.getuid() === 0) rmSync(path, { recursive: true, force: true });
  else run(bench, ['unshare', '--map-auto', '--map-root-user', 'rm', '-rf', path]);
}

/** Nothing that an earlier command has written is still to be written to the disk meanwhile. */
function timed(bench, argv) {
  output(bench, ['sync', '-f', bench.work]);
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"'; // of bash(1): the times of children that it waited for
  const { status, stderr } = run(bench, ['bash', '-c', script, 'bash', ...argv]);
  if (status !== 0) throw new Error(`${argv.join(' ')} failed once (${status}): ${stderr.trim()}`);
  const [seconds, user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { seconds, cpu: user + system };
}

/**
 * The most memory that a command and its descendants held at one time, in MiB: the sum of their PSS, looked at every
 * 20 ms. Its Node is a copy, for of pages that it had in common with this process or others it would be told only a part.
 */
async function peak(bench, argv) {
  const path = `PATH=${ownNode(bench)}:${process.env.PATH}:/usr/sbin:/sbin`;
  const [program, ...rest] = asUser(bench, ['env', path, ...argv]);
  const child = spawn(program, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: join(bench.work, 'scratch'),
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    said = (said + piece).slice(-10_000);
  });
  const seen = new Set([child.pid]); // some are left by their parents, which does not make them strangers
  let most = 0;
  const timer = setInterval(() => {
    const now = family(...seen);
    for (const { pid } of now) seen.add(pid);
    most = Math.max(most, sum(now));
  }, SAMPLES_EVERY_MS);
  const status = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(timer);
  if (status !== 0) throw new Error(`${argv.join(' ')} failed (${status}): ${said}`);
  return most / 1024;
}

function sum(processes) {
  return processes.reduce((total, { pid }) => {
    try {
      return total + proportionalSize(pid).size;
    } catch {
      return total; // it has just ended
    }
  }, 0);
}

function ownNode(bench) {
  const folder = join(bench.work, 'node');
  if (!existsSync(folder)) {
    mkdirSync(folder);
    cpSync(process.execPath, join(folder, 'node'));
  }
  return folder;
}
