/** How much networks delay the start of a container, and their memory. network-speed.mjs has the rest. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, output, race, ratio, run } from './bench.mjs';
import { runners, SLEEP, started } from './network-peers.mjs';
import { namesTable, throughputTable } from './network-speed.mjs';
import { proportionalSize } from './processes.mjs';

const CONTAINERS = 50;

/** How much a network adds to the time of a start, while another container keeps it in use, and while none does. */
function startTable(bench, all) {
  const rows = [];
  let base;
  for (const isOnly of [false, true])
    for (const runner of all) {
      const [none, attached] = startRow(bench, runner, isOnly);
      base ??= attached;
      const numbers = [none, attached, attached - none].map((ms) => ms.toFixed(1));
      rows.push([`${runner.name}${isOnly ? ', the only one' : ''}`, ...numbers, ratio(attached, base)]);
    }
  return {
    title: 'Networks: start',
    text:
      '`run --rm` of `true` without a network and with one, while another container of that network runs, or as the only one. `foster` and `podman` have\n' +
      "their default networks: podman's is slirp4netns, a process for each container. `a network` is one of `network create`.",
    head: ['', 'none, ms', 'network, ms', 'difference', 'to foster'],
    rows,
    notes: [],
  };
}

/** Milliseconds without a network, and with one. */
function startRow(bench, runner, isOnly) {
  const remove = isOnly ? () => {} : started(bench, runner, 'bench-first', [], SLEEP);
  try {
    return race(
      bench,
      [
        { name: `${runner.name}, none`, argv: runner.alone(['true']) },
        { name: runner.name, argv: runner.argv(['--rm'], ['true']) },
      ],
      { rounds: 15, warmup: 2 },
    ).map(median);
  } finally {
    remove();
  }
}

/** Processes of the user and of ids in the user's range, by pid, with their memory (PSS) in KiB. */
function userProcesses(bench) {
  const own = Number(output(bench, ['id', '-u']));
  const name = output(bench, ['id', '-un']).trim();
  const line = readFileSync('/etc/subuid', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`));
  const [, first, size] = (line ?? '::0').split(':').map(Number);
  const found = new Map();
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      if (uid !== own && !(uid >= first && uid < first + size)) continue;
      if (/^State:\s+[ZX]/m.test(status)) continue;
      if (command !== `${SLEEP.join('\0')}\0`) found.set(pid, /^Name:\s+(.*)$/m.exec(status)?.[1] ?? '');
    } catch {
      // it has just ended
    }
  }
  return found;
}

async function memoryTable(bench, all) {
  const rows = [];
  let base;
  for (const runner of all) {
    const before = userProcesses(bench);
    const names = Array.from({ length: CONTAINERS }, (_, index) => `bench-${index}`);
    try {
      for (const name of names) started(bench, runner, name, [], SLEEP);
      await sleep(1000); // commands that have just returned end
      const sums = new Map();
      let total = 0;
      for (const [pid, name] of userProcesses(bench)) {
        if (before.has(pid)) continue;
        const { size } = proportionalSize(pid);
        const { count = 0, sum = 0 } = sums.get(name) ?? {};
        sums.set(name, { count: count + 1, sum: sum + size });
        total += size;
      }
      base ??= total;
      const parts = [...sums].sort(([, one], [, other]) => other.sum - one.sum);
      rows.push([
        runner.name,
        (total / 1024).toFixed(1),
        ratio(total, base),
        parts.map(([name, { count, sum }]) => `${count} ${name} ${(sum / 1024).toFixed(1)}`).join(', '),
      ]);
    } finally {
      run(bench, runner.remove(names));
    }
  }
  return {
    title: `Networks: memory of ${CONTAINERS} containers`,
    text:
      'PSS in MiB of all processes besides those of the containers themselves, which sleep. foster starts a pasta for all of them, of\n' +
      '29 MiB, once one sends something to the outside.',
    head: ['', 'MiB', 'to foster', 'processes'],
    rows,
    notes: [],
  };
}

export async function* measure(bench) {
  if (spawnSync('iperf3', ['--version']).status !== 0)
    throw new Error('iperf3 is missing: scripts/setup --bench');
  const { good, notes } = runners(bench);
  const start = startTable(bench, good);
  yield { ...start, notes: [...start.notes, ...notes] };
  yield await memoryTable(bench, good);
  yield await throughputTable(bench, good);
  yield namesTable(bench, good);
}
