/** Many containers in the background: start rate, memory, duration of `ps` and others, log throughput. */
import { median, output, race, ratio, run, seconds } from './bench.mjs';
import { podman } from './peers.mjs';
import { held } from './processes.mjs';

/** How many of foster's, and of Podman's, with which 500 take very long. */
const COUNT = 500;
const PEERS_COUNT = 100;
/** Of those, how many are started one after the other. */
const ALONE = 50;
const SLEEP = ['sleep', '98763'];
const MIB = 1024;

/** Starts containers one after the other, in each of several workers. @param argv of the start of `bench-N` */
function startMany(bench, argv, first, last, workers) {
  const script = `seq ${first} ${last} | xargs -P ${workers} -I N "$@" >/dev/null`;
  output(bench, ['sh', '-c', script, 'sh', ...argv]);
}

/** The median of a command's times in ms; empty if it does not work here, such as podman's stats without cgroups. */
function duration(bench, argv, rounds) {
  if (run(bench, argv).status !== 0) return '';
  return median(race(bench, [{ name: argv.join(' '), argv }], { rounds, warmup: 2 })[0]).toFixed(0);
}

/** The rows of a program, with `count` containers. */
function many(bench, { count, start, names, program }) {
  const before = held(names);
  const alone = seconds(() => startMany(bench, start, 1, ALONE, 1));
  const together = seconds(() => startMany(bench, start, ALONE + 1, count, 2));
  let memory = 0;
  const times = {};
  try {
    memory = (held(names) - before) / count;
    times.ps = duration(bench, [...program, 'ps'], 15);
    times.one = duration(bench, [...program, 'inspect', 'bench-7'], 15);
    times.stats = duration(bench, [...program, 'stats', '--no-stream'], 5);
  } finally {
    const clean = ['rm', '-f', ...(program[0] === 'podman' ? ['-t', '0'] : []), '-a'];
    times.rm =
      seconds(() => output(bench, ['sh', '-c', '"$@" >/dev/null', 'sh', ...program, ...clean])) * 1000;
  }
  return [
    (ALONE / alone).toFixed(1),
    ((count - ALONE) / together).toFixed(1),
    memory.toFixed(0),
    times.ps,
    times.one,
    times.stats,
    (times.rm / count).toFixed(1),
  ];
}

const MEASURES = [
  'started per second, one after the other',
  'started per second, two at a time',
  'PSS of monitor and PID 1 of an idle one, KiB',
  '`ps`, ms',
  '`inspect` of one, ms',
  '`stats --no-stream`, ms',
  '`rm -f -a`, ms per container',
];

/** How many containers there are, and what is measured with them; Podman is omitted if it does not work. */
function crowds(bench) {
  const ours = many(bench, {
    count: COUNT,
    start: [bench.foster, 'run', '-d', '--name', 'bench-N', 'busybox', ...SLEEP],
    names: /^foster-(monitor|init)$/,
    program: [bench.foster],
  });
  const [node] = race(bench, [{ name: 'node', argv: ['node', '-e', '0'] }], { rounds: 15, warmup: 2 });
  const notes = [
    `A bare \`node -e 0\` beside them took ${median(node).toFixed(0)} ms.`,
    '`stats` of foster waits for 250 ms, to see how much CPU time is used.',
  ];
  try {
    const theirs = many(bench, {
      count: PEERS_COUNT,
      start: podman(bench, SLEEP, ['-d', '--init', '--name', 'bench-N']),
      names: /^(conmon|podman-init|catatonit)$/,
      program: ['podman'],
    });
    return {
      head: ['', 'foster', 'podman'],
      rows: MEASURES.map((name, row) => [name, ours[row], theirs[row]]),
      notes,
    };
  } catch (error) {
    notes.push(`podman was omitted: ${error.message}`);
    return { head: ['', 'foster'], rows: MEASURES.map((name, row) => [name, ours[row]]), notes };
  }
}

/** Containers that print, and their readers: each reader prints how many bytes it got. */
function flows(bench) {
  const print = `dd if=/dev/zero bs=64k count=${MIB * 16} 2>/dev/null`;
  return [
    ['a plain pipe: dd | cat', `${print} | cat | wc -c`],
    ['foster run, to a pipe', `"$1" run --rm busybox sh -c '${print}' | cat | wc -c`],
    [
      'foster run -d, and foster logs -f',
      `id=$("$1" run -d busybox sh -c '${print}'); "$1" logs -f "$id" | wc -c; "$1" rm -f "$id" >/dev/null`,
    ],
    [
      'dd to a file, and tail -f',
      `f=$(mktemp -p .); (${print} > "$f") & tail --pid=$! -c +1 -f "$f" | wc -c; rm "$f"`,
    ],
  ].map(([name, script]) => {
    const times = [1, 2, 3].map(() =>
      seconds(() => {
        const { stdout, stderr } = run(bench, ['sh', '-c', script, 'sh', bench.foster]);
        if (Number(stdout) !== MIB * 1024 * 1024)
          throw new Error(`${name}: ${stdout.trim()} bytes arrived. ${stderr}`);
      }),
    );
    return { name, rate: MIB / median(times) };
  });
}

export function measure(bench) {
  output(bench, [bench.foster, 'run', '--rm', 'busybox', 'true']);
  const rates = flows(bench);
  return [
    {
      title: 'Containers in the background',
      text: `\`run -d busybox sleep\`: ${COUNT} of foster's, ${PEERS_COUNT} of podman's.`,
      ...crowds(bench),
    },
    {
      title: 'Output',
      text: 'A process that prints 1 GiB in pieces of 64 KiB, until all of it has been read; MiB per second, median of 3.',
      head: ['', 'MiB/s', 'to the pipe'],
      rows: rates.map(({ name, rate }) => [name, rate.toFixed(0), ratio(rate, rates[0].rate)]),
      notes: ['The output of `-d` also goes to the log, a file: the last line shows the cost of that alone.'],
    },
  ];
}
