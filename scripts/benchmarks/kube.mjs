/** A file of Kubernetes with ten containers, played and removed, compared with podman kube; and what probes cost. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { median, output, ratio, seconds } from './bench.mjs';
import { IMAGE, loadImage } from './compose.mjs';
import { cpuSince } from './processes.mjs';

const ROUNDS = 5;
const CONTAINERS = 10;
/** Of the pod that is watched while nothing happens but its probes. */
const PROBED = 50;
const WINDOW = 60; // seconds
/** Seconds between two probes. What a few of them take is less than the kernel's clock tick: they are measured every second. */
const PERIOD = 10;

/** @param probe lines for each container */
function manifest(count, probe = '') {
  const containers = Array.from(
    { length: count },
    (_, index) =>
      `    - {name: c${index}, image: ${IMAGE}, imagePullPolicy: Never, command: [sleep, "98765"]${probe}}`,
  );
  return [
    'apiVersion: v1',
    'kind: Pod',
    'metadata: {name: bench}',
    'spec:',
    '  terminationGracePeriodSeconds: 0',
    '  containers:',
    ...containers,
    '',
  ].join('\n');
}

function contestants(bench) {
  const conf = join(bench.work, 'scratch', 'kube.conf');
  writeFileSync(
    conf,
    '[containers]\ncgroups = "disabled"\nlog_driver = "none"\n[engine]\nruntime = "crun"\n',
  );
  return [
    { name: 'foster', program: [bench.foster] },
    { name: 'podman', program: ['env', `CONTAINERS_CONF=${conf}`, 'podman'] },
  ];
}

function race(bench, file) {
  const times = contestants(bench).map((one) => ({ ...one, play: [], down: [] }));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { program, play, down } of times) {
      const kube = (...words) => seconds(() => output(bench, [...program, 'kube', ...words]));
      const taken = [kube('play', '--network', 'none', file), kube('down', file)];
      if (round === 0) continue; // the first makes what later ones find
      play.push(taken[0]);
      down.push(taken[1]);
    }
  }
  const [own, other] = times;
  return ['play', 'down'].map((what) => [
    `\`kube ${what}\``,
    `${median(own[what]).toFixed(2)} s`,
    `${median(other[what]).toFixed(2)} s`,
    ratio(median(own[what]), median(other[what])),
  ]);
}

/** The part of a core that the probes of an idle pod take, in percent. */
async function idle(bench, file) {
  const user = output(bench, ['id', '-u']).trim();
  output(bench, [bench.foster, 'kube', 'play', '--network', 'none', file]);
  try {
    await setTimeout(10_000); // until all have had their first probe
    const taken = cpuSince(/^foster-/, user);
    await setTimeout(WINDOW * 1000);
    return (taken() / WINDOW / PERIOD) * 100;
  } finally {
    output(bench, [bench.foster, 'kube', 'down', file]);
  }
}

export async function* measure(bench) {
  const scratch = join(bench.work, 'scratch');
  const folder = join(scratch, 'kube-image');
  output(bench, ['mkdir', '-p', folder]);
  loadImage(bench, folder);
  const [ten, exec, tcp] = ['ten', 'exec', 'http'].map((name) => join(scratch, `kube-${name}.yaml`));
  writeFileSync(ten, manifest(CONTAINERS));
  writeFileSync(exec, manifest(PROBED, ', livenessProbe: {exec: {command: ["true"]}, periodSeconds: 1}'));
  writeFileSync(tcp, manifest(PROBED, ', readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}'));
  yield {
    title: `Kubernetes: a pod of ${CONTAINERS} containers`,
    text: `\`kube play\` and \`kube down\` of a file, without a network. Medians of ${ROUNDS}, in turn; podman with crun, without cgroups and logs.`,
    head: ['', 'foster', 'podman', 'foster / podman'],
    rows: race(bench, ten),
    notes: [],
  };
  yield {
    title: `Kubernetes: a pod of ${PROBED} containers with probes every ${PERIOD} s`,
    text: `CPU time of all of foster's processes and their children while nothing else happens: a tenth of what probes every second take in ${WINDOW} s.`,
    head: ['probe', 'of one core'],
    rows: [
      ['`exec`: true', `${(await idle(bench, exec)).toFixed(2)} %`],
      ['`tcpSocket`: a port where nobody listens', `${(await idle(bench, tcp)).toFixed(2)} %`],
    ],
    notes: [],
  };
}
