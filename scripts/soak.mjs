#!/usr/bin/env node
/**
 * Creates, starts, stops and removes many containers, and compares the state of the machine before and after: nothing may
 * have grown.
 *
 *     scripts/soak.mjs [--cycles N]     2000 by default
 *
 * One container runs all the time, and programs are executed in it: this shows whether its monitor and PID 1 leak descriptors
 * or memory. The command is $FOSTER, or the one in dist/.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const FOSTER = process.env.FOSTER ?? path.join(import.meta.dirname, '../dist/foster');
const WARM_UP = 10;
/** Tolerance for caches of the kernel and other activity on the machine. */
const KERNEL_SLACK_KB = 64 * 1024;
const KERNEL_SLACK_KB_PER_CYCLE = 20;
const MONITOR_SLACK_KB = 64;

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'foster-soak-'));
const env = {
  ...process.env,
  HOME: home,
  XDG_DATA_HOME: path.join(home, 'data'),
  XDG_RUNTIME_DIR: path.join(home, 'run'),
};

function foster(...args) {
  const { status, stdout, stderr } = spawnSync(FOSTER, args, { env, encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw new Error(`foster ${args.join(' ')}: exit code ${status}: ${stderr}`);
  return stdout.trim();
}

function cycle(number) {
  const name = `soak${number}`;
  foster('create', '--name', name, 'busybox', 'sh', '-c', 'echo here > /file; exec sleep 1000');
  foster('start', name);
  if (number % 10 === 0) {
    foster('exec', name, 'true');
    foster('exec', 'keeper', 'sh', '-c', '(sleep 0.01 &)');
  }
  foster('stop', name);
  foster('rm', name);
}

/** Processes with an open file below the home folder: monitors, janitors, commands. */
function ownProcesses() {
  return fs.readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      const folder = `/proc/${pid}/fd`;
      return fs.readdirSync(folder).some((fd) => fs.readlinkSync(`${folder}/${fd}`).startsWith(home));
    } catch {
      return false; // it has ended, or belongs to another user
    }
  }).length;
}

function countFiles(folder) {
  let count = 0;
  for (const entry of entries(folder)) {
    if (entry.name === 'roots') continue;
    count += 1 + (entry.isDirectory() ? countFiles(path.join(folder, entry.name)) : 0);
  }
  return count;
}

/** The entries of a folder; none if it is unreadable, such as those that overlayfs makes. */
function entries(folder) {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function countCgroups(folder = '/sys/fs/cgroup') {
  const below = entries(folder).filter((entry) => entry.isDirectory());
  return below.reduce(
    (sum, { name }) => sum + (name.includes('foster') ? 1 : 0) + countCgroups(path.join(folder, name)),
    0,
  );
}

function kilobytes(file, name) {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(fs.readFileSync(file, 'latin1'));
  return Number(match?.[1] ?? 0);
}

function parentOf(pid) {
  return Number(fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')[1]);
}

/** The current numbers by name, each with the amount by which it may grow over all cycles. */
function measure(cycles) {
  const keeper = Number(foster('inspect', '-f', '{{.State.Pid}}', 'keeper'));
  const monitor = parentOf(keeper);
  const kernel = KERNEL_SLACK_KB + cycles * KERNEL_SLACK_KB_PER_CYCLE;
  const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return {
    containers: [foster('ps', '-aq').split('\n').filter(Boolean).length, 0],
    processes: [ownProcesses(), 0],
    mounts: [mounts.filter((line) => line.includes(home)).length, 0],
    cgroups: [countCgroups(), 0],
    files: [countFiles(home), 0],
    'descriptors of the monitor': [fs.readdirSync(`/proc/${monitor}/fd`).length, 0],
    'memory of the monitor, KB': [kilobytes(`/proc/${monitor}/smaps_rollup`, 'Pss'), MONITOR_SLACK_KB],
    'children of PID 1': [
      fs.readFileSync(`/proc/${keeper}/task/${keeper}/children`, 'latin1').split(' ').filter(Boolean).length,
      0,
    ],
    'kernel memory that stays, KB': [kilobytes('/proc/meminfo', 'SUnreclaim'), kernel],
    'kernel stacks, KB': [kilobytes('/proc/meminfo', 'KernelStack'), kernel],
    'open files of the machine': [
      Number(fs.readFileSync('/proc/sys/fs/file-nr', 'latin1').split('\t')[0]),
      2000,
    ],
  };
}

function settle() {
  for (let i = 0; i < 50 && ownProcesses() > 1; i++)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
}

function report(before, after, cycles, seconds) {
  let isGrown = false;
  console.log(
    `${cycles} cycles of create, start, stop and rm in ${seconds.toFixed(0)} s, ${((seconds * 1000) / cycles).toFixed(0)} ms each`,
  );
  for (const [name, [was, slack]] of Object.entries(before)) {
    const [is] = after[name];
    const isTooMuch = is - was > slack;
    if (isTooMuch) isGrown = true;
    console.log(
      `${name.padEnd(30)} ${String(was).padStart(8)} -> ${String(is).padStart(8)}${isTooMuch ? '   GROWN' : ''}`,
    );
  }
  return isGrown;
}

function main() {
  const [flag, value] = process.argv.slice(2);
  const cycles = flag === '--cycles' ? Number(value) : flag === undefined ? 2000 : Number.NaN;
  if (!Number.isInteger(cycles) || cycles < 1) {
    console.error('usage: scripts/soak.mjs [--cycles N]');
    return 2;
  }
  for (const name of ['data', 'run']) fs.mkdirSync(path.join(home, name), { mode: 0o700 });
  try {
    foster('run', '-d', '--name', 'keeper', 'busybox', 'sleep', '1000000');
    for (let number = 0; number < WARM_UP; number++) cycle(number);
    settle();
    const before = measure(cycles);
    const start = performance.now();
    for (let number = 1; number <= cycles; number++) {
      cycle(number);
      if (process.stdout.isTTY) process.stdout.write(`\r${number} of ${cycles}\r`);
    }
    const seconds = (performance.now() - start) / 1000;
    settle();
    return report(before, measure(cycles), cycles, seconds) ? 1 : 0;
  } finally {
    foster('rm', '-f', ...foster('ps', '-aq').split('\n').filter(Boolean));
    fs.rmSync(home, { recursive: true, force: true });
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));
process.exitCode = main();
