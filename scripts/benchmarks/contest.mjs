/** Time and memory of commands that write files to an empty folder. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asUser, median, output, run } from './bench.mjs';
import { children, memoryOf, proportionalSize } from './processes.mjs';

const SAMPLES_EVERY_MS = 20;

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {{[step: string]: string[]}} steps command lines, which run one after the other in the same folder
 */

/**
 * @typedef {object} Cost
 * @property {number} seconds
 * @property {number} cpu seconds in user and system mode, for the command and all its descendants
 * @property {number} peak their maximum total memory, in MiB
 */

/**
 * Lets contestants run in turn.
 * @param {string} place where they write; removed after each
 * @returns {{results: {name: string, costs: {[step: string]: Cost[]}}[], notes: string[]}} costs by round; a note for
 *   each that fails
 */
export async function contest(bench, contestants, { place, rounds }) {
  const notes = [];
  let results = contestants.map(({ name, steps }) => ({ name, steps, costs: mapValues(steps, () => []) }));
  for (let round = 0; round < rounds; round++) {
    for (const { name, steps, costs } of results) {
      try {
        for (const [step, argv] of Object.entries(steps)) costs[step].push(await cost(bench, argv));
      } catch (error) {
        notes.push(`${name} was omitted: ${error.message.trim().split('\n').at(-1)}`);
        results = results.filter((one) => one.name !== name);
      }
      remove(bench, place);
    }
  }
  return { results, notes };
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

/** The total cost of several steps: the medians of the sums of each round, and the peak of all rounds. */
export function totalCost(costs, steps) {
  const rounds = costs[steps[0]].map((_, round) => steps.map((step) => costs[step][round]));
  const total = (key) => median(rounds.map((all) => all.reduce((sum, one) => sum + one[key], 0)));
  const peak = Math.max(...rounds.flat().map((one) => one.peak));
  return { seconds: total('seconds'), cpu: total('cpu'), peak };
}

/** Removes files as the user; they may belong to any of its ids. */
function remove(bench, path) {
  if (process.getuid() === 0) rmSync(path, { recursive: true, force: true });
  else run(bench, ['unshare', '--map-auto', '--map-root-user', 'rm', '-rf', path]);
}

/** Measures one command, after the writes of earlier ones have been flushed to the disk. */
async function cost(bench, argv) {
  output(bench, ['sync', '-f', bench.work]);
  const path = `PATH=${ownNode(bench)}:${process.env.PATH}:/usr/sbin:/sbin`;
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"'; // of bash(1): the times of children that it waited for
  const [program, ...rest] = asUser(bench, ['env', path, 'bash', '-c', script, 'bash', ...argv]);
  const child = spawn(program, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: join(bench.work, 'scratch'),
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    said = (said + piece).slice(-10_000);
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stop = watchMemory(child.pid);
  const status = await ended;
  const peak = stop();
  const lines = said.trim().split('\n');
  const [seconds, user, system] = lines.pop().split(' ').map(Number);
  if (status !== 0) throw new Error(lines.at(-1) || `exit code ${status}`);
  return { seconds, cpu: user + system, peak };
}

/**
 * The most memory that the descendants of a process hold at one time, in MiB: the sum of their PSS.
 * @returns {() => number} stops measuring, and returns the maximum
 */
function watchMemory(root) {
  const seen = new Set(); // orphans stay in the set, although they are no longer descendants
  let most = 0;
  const timer = setInterval(() => {
    for (const pid of [root, ...seen]) for (const child of children(pid)) seen.add(child);
    most = Math.max(most, sum(seen));
  }, SAMPLES_EVERY_MS);
  return () => {
    clearInterval(timer);
    return most / 1024;
  };
}

function sum(pids) {
  let total = 0;
  const counted = new Set();
  for (const pid of pids) {
    try {
      const memory = memoryOf(pid);
      if (!counted.has(memory)) total += proportionalSize(pid).size;
      counted.add(memory);
    } catch {
      pids.delete(pid); // it has ended
    }
  }
  return total;
}

/**
 * A copy of Node for foster. Pages that processes share count only in part for each (PSS), so foster must not share any
 * with this process, which also runs Node.
 */
function ownNode(bench) {
  const folder = join(bench.work, 'node');
  if (!existsSync(folder)) {
    mkdirSync(folder);
    cpSync(process.execPath, join(folder, 'node'));
  }
  return folder;
}
