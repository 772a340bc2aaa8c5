/** The memory of a container while its process sleeps, in PSS: proc_pid_smaps(5). */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asUser, output, ratio } from './bench.mjs';
import { bubblewrap, crun, foster, podman, runc } from './peers.mjs';
import { family, proportionalSize } from './processes.mjs';

/** Unlikely to be used by another process. */
const SLEEP = ['sleep', '98765'];

const isUsers = ({ command }) =>
  SLEEP.every((word, index) => command.at(index - SLEEP.length) === word) && command.length === 2;

/** Waits until the container's process sleeps, and returns all other processes. */
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

/** A container in the foreground: the descendants of its command. */
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

/** Containers without processes in the foreground. podman's monitor and the processes that it has started stay. */
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
      notes.push(`${name} was omitted: ${error.message}`);
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
