/** Orphans that PID 1 adopts and reaps per second. */
import { realpathSync } from 'node:fs';
import { compiled, median, output, ratio, run } from './bench.mjs';

const ROUNDS = 5;
const MODES = [
  { name: 'made', count: 20_000, title: 'one by one' },
  { name: 'burst', count: 3_000, title: 'all at once' },
];

/** The same container for all; only its PID 1 differs. */
function contestants(bench) {
  const program = compiled(bench, 'orphans');
  const libraries = ['/lib64', '/lib/x86_64-linux-gnu', '/lib/aarch64-linux-gnu']; // Debian's inits are not all static
  const flags = ['--rm', '--security-opt', 'seccomp=unconfined', '-v', `${program}:/orphans:ro`];
  const bare = (name, argv) => {
    const path = run(bench, ['sh', '-c', 'command -v "$1"', 'sh', name]).stdout.trim();
    const volumes = [`${path}:/init:ro`, ...libraries.flatMap(libraryVolume)].flatMap((volume) => [
      '-v',
      volume,
    ]);
    return {
      name,
      argv: [bench.foster, 'run', ...flags, '--no-init', ...volumes, 'busybox', '/init', ...argv],
    };
  };
  return [
    { name: 'foster-init', argv: [bench.foster, 'run', ...flags, 'busybox'] },
    bare('tini', ['--']),
    bare('dumb-init', ['--']),
    bare('catatonit', ['--']),
  ];
}

function libraryVolume(path) {
  try {
    return [`${realpathSync(path)}:${path}:ro`];
  } catch {
    return [];
  }
}

export function measure(bench) {
  const all = contestants(bench);
  const notes = [];
  const good = all.filter(({ name, argv }) => {
    const { status, stderr } = run(bench, [...argv, '/orphans', 'made', '10']);
    if (status !== 0) notes.push(`${name} was omitted: ${stderr.trim()}`);
    return status === 0;
  });
  if (good[0]?.name !== 'foster-init') throw new Error(notes.join('; '));
  const rates = good.map(() => MODES.map(() => []));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { argv }] of good.entries()) {
      for (const [column, { name, count }] of MODES.entries()) {
        const ns = Number(output(bench, [...argv, '/orphans', name, String(count)]));
        rates[index][column].push(count / (ns / 1e9));
      }
    }
  }
  const base = MODES.map((_, column) => median(rates[0][column]));
  return [
    {
      title: 'Orphans reaped per second',
      text:
        `${MODES[0].count} orphans made one by one, each of which exits at once, and ${MODES[1].count} that exit all at the same moment,\n` +
        'until PID 1 has reaped the last. In the same container, only PID 1 differs (`--no-init`). Making them takes\n' +
        'most of the time of the first: two fork(2) each.',
      head: ['', ...MODES.flatMap(({ title }) => [title, 'to foster'])],
      rows: good.map(({ name }, index) => [
        name,
        ...MODES.flatMap((_, column) => {
          const rate = median(rates[index][column]);
          return [rate.toFixed(0), ratio(rate, base[column])];
        }),
      ]),
      notes,
    },
  ];
}
