/** The memory that a container holds while its process sleeps, in PSS: proc_pid_smaps(5). */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asUser, output, ratio } from './bench.mjs';
import { bubblewrap, crun, foster, podman, runc } from './peers.mjs';

/** Unlikely to be anybody else's. */
const SLEEP = ['sleep', '98765'];

function processes() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0').slice(0, -1);
        const [, comm, rest] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
        return [{ pid: Number(name), parent: Number(rest.split(' ')[1]), name: comm, command }];
      } catch {
        return []; // it has just ended
      }
    });
}

function family(pid) {
  const all = processes();
  const found = all.filter((one) => one.pid === pid);
  for (let at = 0; at < found.length; at++) found.push(...all.filter((one) => one.parent === found[at].pid));
  return found;
}

/** In KiB. A process that nobody but root may look into shows at least what it has in memory, shared pages in full. */
function proportionalSize(pid) {
  try {
    return {
      size: Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]),
      isMost: false,
    };
  } catch {
    return {
      size: Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]),
      isMost: true,
    };
  }
}

const isUsers = ({ command }) =>
  SLEEP.every((word, index) => command.at(index - SLEEP.length) === word) && command.length === 2;

/** What is there besides the sleeping process itself, once that sleeps. */
async function holders(root) {
  for (let attempt = 0; attempt < 100; attempt++) {
    await sleep(100);
    const all = family(root());
    if (all.some(isUsers)) {
      await sleep(500);
      return family(root()).filter((one) => !isUsers(one));
    }
  }
  throw new Error('the container did not start within 10 s');
}

/** A container in the foreground: what descends from its command. */
async function foreground(bench, argv) {
  const [program, ...rest] = asUser(bench, argv);
  const child = spawn(program, rest, { stdio: 'ignore', cwd: join(bench.work, 'scratch') });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    return sizes(await holders(() => child.pid));
  } finally {
    const all = family(child.pid);
    const user = all.find(isUsers);
    for (const { pid } of user === undefined ? all.reverse() : [user]) process.kill(pid, 'SIGKILL');
    await ended;
  }
}

/** Two that hold nothing in the foreground: podman's monitor stays, and whatever that has started. */
async function podmanDetached(bench, command, flags) {
  const id = output(bench, podman(bench, command, ['-d', ...flags])).trim();
  try {
    const monitor = Number(output(bench, ['podman', 'inspect', '--format', '{{.State.ConmonPid}}', id]));
    return sizes(await holders(() => monitor));
  } finally {
    output(bench, ['podman', 'rm', '-f', '-t', '0', id]);
  }
}

function sizes(found) {
  return found.map(({ pid, name, parent }) => ({ name, parent, ...proportionalSize(pid) }));
}

export async function measure(bench) {
  const contestants = [
    ['foster run', () => foreground(bench, foster(bench, SLEEP))],
    ['bubblewrap', () => foreground(bench, bubblewrap(bench, SLEEP))],
    ['crun run', () => foreground(bench, crun(bench, SLEEP))],
    ['runc run', () => foreground(bench, runc(bench, SLEEP))],
    ['podman run -d --init', () => podmanDetached(bench, SLEEP, ['--init'])],
  ];
  const notes = [];
  const rows = [];
  let base;
  for (const [name, start] of contestants) {
    try {
      const found = await start();
      const total = found.reduce((sum, { size }) => sum + size, 0);
      base ??= total;
      rows.push([
        name,
        String(total),
        ratio(total, base),
        found.map((one) => `${one.name} ${one.isMost ? '≤ ' : ''}${one.size}`).join(', '),
      ]);
    } catch (error) {
      notes.push(`${name} is left out: ${error.message}`);
    }
  }
  return [
    {
      title: 'Memory of an idle container',
      text: 'PSS in KiB of all processes that a container keeps while its own process, which is not counted, sleeps.',
      head: ['', 'KiB', 'to foster', 'processes'],
      rows,
      notes,
    },
  ];
}
