/** Pods of 1, 10 and 50 containers: the time until all run, and the memory of what is not the containers' own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, output, ratio, seconds } from './bench.mjs';
import { rootfs } from './peers.mjs';
import { held } from './processes.mjs';

const COUNTS = [1, 10, 50];
const ROUNDS = 3;
const SLEEP = ['sleep', '98764'];

/** @returns the command lines of a tool, and the names of its processes */
function tools(bench) {
  const conf = join(bench.work, 'scratch', 'pods.conf');
  writeFileSync(
    conf,
    '[containers]\ncgroups = "disabled"\nnetns = "none"\nlog_driver = "none"\n[engine]\nruntime = "crun"\n',
  );
  return [
    {
      name: 'foster',
      program: [bench.foster],
      root: ['busybox'],
      network: ['--network', 'none'],
      names: /^foster-/,
    },
    {
      name: 'podman',
      program: ['env', `CONTAINERS_CONF=${conf}`, 'podman'],
      root: ['--rootfs', `${rootfs(bench)}:O`],
      network: ['--network', 'none', '--share-parent=false'],
      names: /^(conmon|catatonit)$/,
    },
  ];
}

/** Makes a pod and its containers, starts it, and removes it. @returns the times in seconds, and KiB of memory */
function round(bench, { program, root, network, names }, count) {
  const on = (...words) => output(bench, [...program, ...words]);
  const each = (verb) => {
    for (let index = 0; index < count; index++) on(...verb, '--pod', 'bench', ...root, ...SLEEP);
  };
  const user = output(bench, ['id', '-u']).trim();
  const before = held(names, user);
  on('pod', 'create', '--name', 'bench', '--share', 'ipc,net,uts', ...network);
  each(['create']);
  const start = seconds(() => on('pod', 'start', 'bench'));
  const memory = held(names, user) - before;
  const rm = seconds(() => on('pod', 'rm', '-f', '-t', '0', 'bench'));
  on('pod', 'create', '--name', 'bench', '--share', 'ipc,net,uts', ...network);
  const run = seconds(() => each(['run', '-d']));
  on('pod', 'rm', '-f', '-t', '0', 'bench');
  return { start, run, memory, rm };
}

export function* measure(bench) {
  const [foster, podman] = tools(bench);
  const rows = [];
  for (const count of COUNTS) {
    const rounds = { foster: [], podman: [] };
    for (let index = 0; index < (count > 10 ? 1 : ROUNDS); index++)
      for (const tool of [foster, podman]) rounds[tool.name].push(round(bench, tool, count));
    const middle = (tool, field) => median(rounds[tool].map((one) => one[field]));
    const row = (what, field, digits, unit) => {
      const [own, other] = [middle('foster', field), middle('podman', field)];
      rows.push([
        `${count}: ${what}`,
        `${own.toFixed(digits)} ${unit}`,
        `${other.toFixed(digits)} ${unit}`,
        ratio(own, other),
      ]);
    };
    row('`pod start`, until all run', 'start', 2, 's');
    row('`run -d --pod` of each, one after the other', 'run', 2, 's');
    row('memory of monitors and PID 1s', 'memory', 0, 'KiB');
    row('`pod rm -f`', 'rm', 2, 's');
  }
  yield {
    title: 'Pods',
    text: "Pods of 1, 10 and 50 containers that share IPC, network and host name (Podman shares processes only with cgroups); PSS of all processes but the containers' own.",
    head: ['containers', 'foster', 'podman', 'foster / podman'],
    rows,
    notes: [`Medians of ${ROUNDS}; of one round for ${COUNTS.at(-1)} containers.`],
  };
}
