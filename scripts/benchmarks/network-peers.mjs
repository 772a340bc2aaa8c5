/** Containers with networks: the command lines of foster and of podman, on the same files. */
import { join } from 'node:path';
import { output, run } from './bench.mjs';

/**
 * A tree with the host's programs, which come from a bind mount of /usr.
 * @returns its path
 */
function tree(bench) {
  const folder = join(bench.work, 'scratch', 'programs');
  const script = `[ -d "$1" ] || {
    mkdir -p "$1" && cd "$1" && mkdir dev etc proc root run sys tmp usr
    for name in bin lib lib64 sbin; do ln -s usr/$name $name; done
    echo root:x:0:0::/root:/bin/sh > etc/passwd
    echo target A > names; echo target.dns.podman A > names.podman
  }`;
  output(bench, ['sh', '-c', script, 'sh', folder]);
  return folder;
}

/** Unlikely to be used by another process. */
export const SLEEP = ['sleep', '98761'];

/** The network in which containers find each other by name. */
const NAMED = 'bench';

/**
 * A program that runs containers with networks.
 * @typedef {object} Runner
 * @property {string} name
 * @property {string} network
 * @property {boolean} hasNames whether containers find each other
 * @property {string} names file of the tree with the name that dnsperf asks for
 * @property {(flags: string[], command: string[]) => string[]} argv of `run`, with the network
 * @property {(command: string[]) => string[]} alone argv of `run` without a network
 * @property {(names: string[]) => string[]} remove
 * @property {string[]} prepare makes the network
 */

/** @returns {Runner} */
function foster(bench, network) {
  const start = (flags) => [bench.foster, 'run', ...flags, '-v', '/usr:/usr:ro', tree(bench)];
  return {
    name: network === NAMED ? 'foster, a network' : 'foster',
    network,
    hasNames: network === NAMED,
    names: '/names',
    argv: (flags, command) => [...start([`--network=${network}`, ...flags]), ...command],
    alone: (command) => [...start(['--rm', '--network=none']), ...command],
    remove: (names) => [bench.foster, 'rm', '-f', '-t', '0', ...names],
    prepare: [bench.foster, 'network', 'create', NAMED],
  };
}

/** @returns {Runner} podman with crun, which can run without cgroups */
function podman(bench, network) {
  const start = (flags) => {
    const isolation = ['--runtime=crun', 'run', '--cgroups=disabled', '--log-driver=none'];
    return ['podman', ...isolation, ...flags, '-v', '/usr:/usr:ro', '--rootfs', `${tree(bench)}:O`];
  };
  return {
    name: network === NAMED ? 'podman, a network' : 'podman',
    network,
    hasNames: network === NAMED,
    names: '/names.podman',
    argv: (flags, command) => [...start([`--network=${network}`, ...flags]), ...command],
    alone: (command) => [...start(['--rm', '--network=none']), ...command],
    remove: (names) => ['podman', 'rm', '-f', '-t', '0', ...names],
    prepare: ['podman', 'network', 'create', NAMED],
  };
}

/** The runners that work on this machine, and a note about each of the others. */
export function runners(bench) {
  const all = [
    foster(bench, 'bridge'),
    foster(bench, NAMED),
    podman(bench, 'slirp4netns'),
    podman(bench, NAMED),
  ];
  const notes = [];
  const good = all.filter((runner) => {
    if (runner.hasNames) run(bench, runner.prepare);
    const { status, stderr } = run(bench, runner.argv(['--rm'], ['true']));
    if (status !== 0) notes.push(`${runner.name} was omitted: ${stderr.trim().split('\n').at(-1)}`);
    return status === 0;
  });
  return { good, notes };
}

/** Starts a container in the background. Returns a function that removes it. */
export function started(bench, runner, name, flags, command) {
  output(bench, runner.argv(['-d', '--name', name, ...flags], command), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return () => run(bench, runner.remove([name]));
}
