/** The command lines by which foster and its peers run a command in a container on the same root filesystem. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output } from './bench.mjs';

/** A copy of the tree of `foster run busybox`, because some peers write to it. */
export function rootfs(bench) {
  const copy = join(bench.work, 'scratch', 'rootfs');
  output(bench, [bench.foster, 'run', '--rm', 'busybox', 'true']);
  const roots = join(bench.work, 'home', '.local', 'share', 'foster', 'roots');
  const name = readdirSync(roots).find((one) => one.startsWith('recipe-busybox-'));
  output(bench, ['sh', '-c', '[ -d "$2" ] || cp -a "$1" "$2"', 'sh', join(roots, name, 'rootfs'), copy]);
  return copy;
}

export function foster(bench, command) {
  return [bench.foster, 'run', '--rm', 'busybox', ...command];
}

/** All namespaces, /proc and /dev. It maps only one id, and lacks a PID 1 and other parts of a container. */
export function bubblewrap(bench, command) {
  const root = ['--bind', rootfs(bench), '/', '--proc', '/proc', '--dev', '/dev'];
  return ['bwrap', '--unshare-all', '--die-with-parent', ...root, ...command];
}

/** A bundle made by `runtime spec --rootless`, changed to the ids and namespaces of foster, without cgroups. */
function bundle(bench, runtime, command) {
  const folder = join(bench.work, 'scratch', `${runtime}-${command.join('-')}`);
  const file = join(folder, 'config.json');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    file,
    output(bench, ['sh', '-c', `cd "$(mktemp -d)" && ${runtime} spec --rootless && cat config.json`]),
  );
  const spec = JSON.parse(readFileSync(file, 'utf8'));
  spec.process = { ...spec.process, args: command, terminal: false };
  spec.root = { path: rootfs(bench), readonly: false };
  spec.linux.uidMappings = mappings(bench, 'uid');
  spec.linux.gidMappings = mappings(bench, 'gid');
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup'];
  spec.linux.namespaces = namespaces.map((type) => ({ type }));
  delete spec.linux.resources;
  writeFileSync(file, JSON.stringify(spec));
  return folder;
}

function mappings(bench, kind) {
  const own = Number(output(bench, ['id', kind === 'uid' ? '-u' : '-g']));
  const name = output(bench, ['id', '-un']).trim();
  const line = readFileSync(`/etc/sub${kind}`, 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`));
  const only = { containerID: 0, hostID: own, size: 1 };
  if (line === undefined) return [only];
  const [, start, size] = line.split(':').map(Number);
  return [only, { containerID: 1, hostID: start, size }];
}

export function crun(bench, command) {
  const folder = bundle(bench, 'crun', command);
  return ['crun', '--cgroup-manager=disabled', 'run', '--bundle', folder, `bench-crun-${process.pid}`];
}

export function runc(bench, command) {
  const folder = bundle(bench, 'runc', command);
  return ['runc', 'run', '--bundle', folder, `bench-runc-${process.pid}`];
}

/** With an overlay on the tree, as in foster. It uses crun, which can run without cgroups. */
export function podman(bench, command, flags = ['--rm']) {
  const isolation = ['--cgroups=disabled', '--network=none', '--log-driver=none'];
  return [
    'podman',
    '--runtime=crun',
    'run',
    ...flags,
    ...isolation,
    '--rootfs',
    `${rootfs(bench)}:O`,
    ...command,
  ];
}
