/** From the start of the command to its exit: `run --rm busybox true`. */
import { median, quantile, race, ratio, working } from './bench.mjs';
import { bubblewrap, crun, foster, podman, runc } from './peers.mjs';

const ROUNDS = { rounds: 60, warmup: 5 };

export function measure(bench) {
  const { good, notes } = working(bench, [
    { name: '`true`, no container', argv: ['true'] },
    { name: 'bare `node -e 0`', argv: ['node', '-e', '0'] },
    { name: 'foster run', argv: foster(bench, ['true']) },
    { name: 'bubblewrap', argv: bubblewrap(bench, ['true']) },
    { name: 'crun run', argv: crun(bench, ['true']) },
    { name: 'runc run', argv: runc(bench, ['true']) },
    { name: 'podman run', argv: podman(bench, ['true']) },
  ]);
  const times = race(bench, good, ROUNDS);
  const base = median(times[good.findIndex(({ name }) => name === 'foster run')]);
  return [
    {
      title: 'Start of a container',
      text:
        '`run --rm busybox true`, from the start of the command to its exit, including the removal of the container. All on the same\n' +
        'files, without a network. foster and podman mount an overlay over them and use a seccomp filter; foster, crun,\n' +
        'runc and podman map the whole range of ids, by newuidmap and newgidmap.',
      head: ['', 'median ms', 'fastest quarter', 'to foster'],
      rows: good.map(({ name }, index) => {
        const middle = median(times[index]);
        return [name, middle.toFixed(1), `< ${quantile(times[index], 0.25).toFixed(1)}`, ratio(middle, base)];
      }),
      notes,
    },
  ];
}
