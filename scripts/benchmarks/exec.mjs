/** From the start of the command to its exit: `exec CONTAINER true`, in a running container. */
import { median, output, quantile, race, ratio, run, working } from './bench.mjs';
import { crun, podman, runc } from './peers.mjs';

const ROUNDS = { rounds: 40, warmup: 4 };
const SLEEP = ['sleep', '98764'];

/** Starts `crun run --bundle DIR NAME` or the like in the background. Its output must not go to a pipe of this process. */
function background(argv) {
  const at = argv.indexOf('run') + 1;
  return [
    'sh',
    '-c',
    '"$@" >/dev/null 2>&1 </dev/null',
    'sh',
    ...argv.slice(0, at),
    '--detach',
    ...argv.slice(at),
  ];
}

/** The contestants, each with a running container and the command that removes it. */
function start(bench) {
  const name = `bench-exec-${process.pid}`;
  const [crunName, runcName] = [`bench-crun-${process.pid}`, `bench-runc-${process.pid}`];
  const CRUN = ['crun', '--cgroup-manager=disabled'];
  const kinds = [
    {
      name: 'foster exec',
      begin: [bench.foster, 'run', '-d', '--name', name, 'busybox', ...SLEEP],
      argv: [bench.foster, 'exec', name, 'true'],
      end: [bench.foster, 'rm', '-f', name],
    },
    {
      name: 'crun exec',
      begin: background(crun(bench, SLEEP)),
      argv: [...CRUN, 'exec', crunName, 'true'],
      end: [...CRUN, 'delete', '--force', crunName],
    },
    {
      name: 'runc exec',
      begin: background(runc(bench, SLEEP)),
      argv: ['runc', 'exec', runcName, 'true'],
      end: ['runc', 'delete', '--force', runcName],
    },
    {
      name: 'podman exec',
      begin: podman(bench, SLEEP, ['-d', '--name', name]),
      argv: ['podman', '--runtime=crun', 'exec', name, 'true'],
      end: ['podman', 'rm', '-f', '-t', '0', name],
    },
  ];
  const notes = [];
  const begun = kinds.filter((kind) => {
    const { status, stderr } = run(bench, kind.begin);
    if (status !== 0)
      notes.push(`${kind.name} was omitted: ${stderr.trim() || `its container did not start (${status})`}`);
    return status === 0;
  });
  return { begun, notes };
}

export function measure(bench) {
  output(bench, [bench.foster, 'run', '--rm', 'busybox', 'true']);
  const { begun, notes } = start(bench);
  try {
    const { good, notes: more } = working(bench, [
      { name: 'bare `node -e 0`', argv: ['node', '-e', '0'] },
      ...begun,
    ]);
    const times = race(bench, good, ROUNDS);
    const base = median(times[good.findIndex(({ name }) => name === 'foster exec')]);
    return [
      {
        title: 'A process in a running container',
        text: '`exec CONTAINER true`, from the start of the command to its exit.',
        head: ['', 'median ms', 'fastest quarter', 'to foster'],
        rows: good.map(({ name }, index) => {
          const middle = median(times[index]);
          return [
            name,
            middle.toFixed(1),
            `< ${quantile(times[index], 0.25).toFixed(1)}`,
            ratio(middle, base),
          ];
        }),
        notes: [...notes, ...more],
      },
    ];
  } finally {
    for (const { end } of begun) run(bench, end);
  }
}
