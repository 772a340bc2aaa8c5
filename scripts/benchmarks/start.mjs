/** From the start of the command to its exit: `run --rm busybox true`. */
import { join } from 'node:path';
import { median, output, quantile, race, ratio, working } from './bench.mjs';
import { bubblewrap, crun, foster, podman, runc } from './peers.mjs';

const ROUNDS = { rounds: 60, warmup: 5 };

export function measure(bench) {
  return [warm(bench), cold(bench)];
}

function warm(bench) {
  const stored = output(bench, [bench.foster, 'create', 'busybox', 'true']).trim();
  const { good, notes } = working(bench, [
    { name: '`true`, no container', argv: ['true'] },
    { name: 'bare `node -e 0`', argv: ['node', '-e', '0'] },
    { name: 'foster run', argv: foster(bench, ['true']) },
    { name: 'foster start -a', argv: [bench.foster, 'start', '-a', stored] },
    { name: 'bubblewrap', argv: bubblewrap(bench, ['true']) },
    { name: 'crun run', argv: crun(bench, ['true']) },
    { name: 'runc run', argv: runc(bench, ['true']) },
    { name: 'podman run', argv: podman(bench, ['true']) },
  ]);
  const times = race(bench, good, ROUNDS);
  output(bench, [bench.foster, 'rm', stored]);
  const base = median(times[good.findIndex(({ name }) => name === 'foster run')]);
  return {
    title: 'Start of a container',
    text:
      '`run --rm busybox true`, from the start of the command to its exit, including the removal of the container. All on the same\n' +
      'files, without a network. foster and podman mount an overlay over them and use a seccomp filter; foster, crun,\n' +
      'runc and podman map the whole range of ids, by newuidmap and newgidmap. `start -a` starts a container that exists, which stays.\n' +
      'foster is started by the symbolic link that npm makes.',
    head: ['', 'median ms', 'fastest quarter', 'to foster'],
    rows: rows(good, times, base),
    notes,
  };
}

/** What the front cannot do: Node plans the container, and keeps the plan for it. */
function cold(bench) {
  const FORGET = 'forget';
  const koffi = `node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`;
  const execute = `const [, path, ...args] = process.argv, module = { exports: {} };
    process.dlopen(module, ${JSON.stringify(join(bench.work, 'foster', koffi))});
    module.exports.load(null).func('int execv(const char *, const char **)')(path, [path, ...args, null]);
    process.exit(127);`;
  const templates = join(bench.work, 'home', '.local', 'share', 'foster', 'templates');
  const { good, notes } = working(bench, [
    { name: 'bare `node -e 0`', argv: ['node', '-e', '0'] },
    { name: FORGET, argv: ['rm', '-rf', templates] },
    { name: 'foster run', argv: foster(bench, ['true']) },
    {
      name: 'Node, replaced by a run with a template',
      argv: ['node', '-e', execute, ...foster(bench, ['true'])],
    },
  ]);
  const times = race(bench, good, ROUNDS);
  const base = median(times[0]);
  return {
    title: 'Start of a container without a template',
    text:
      'The same, but the first of its kind: each time, the templates of earlier runs have been removed. The last line is the least that\n' +
      'a run by Node can take: all that Node does is load koffi and replace itself.',
    head: ['', 'median ms', 'fastest quarter', 'to Node'],
    rows: rows(good, times, base).filter(([name]) => name !== FORGET),
    notes,
  };
}

function rows(contestants, times, base) {
  return contestants.map(({ name }, index) => {
    const middle = median(times[index]);
    return [name, middle.toFixed(1), `< ${quantile(times[index], 0.25).toFixed(1)}`, ratio(middle, base)];
  });
}
