/** Many containers in the background: start rate, memory, duration of `ps`, log throughput. */
import { readdirSync, readFileSync } from 'node:fs';
import { median, output, race, ratio, run } from './bench.mjs';

const COUNT = 500;
const SLEEP = ['sleep', '98763'];
const MIB = 1024;

function seconds(act) {
  const began = performance.now();
  act();
  return (performance.now() - began) / 1000;
}

/** PSS in KiB of all monitors and PID 1s. */
function held() {
  let sum = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!/^foster-(monitor|init)$/m.test(readFileSync(`/proc/${pid}/comm`, 'utf8'))) continue;
      sum += Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
    } catch {
      // it has just exited, or is not readable
    }
  }
  return sum;
}

/** Starts containers one after the other, in each of several workers. */
function startMany(bench, first, last, workers) {
  const script = `seq ${first} ${last} | xargs -P ${workers} -I N "$1" run -d --name bench-N busybox ${SLEEP.join(' ')} >/dev/null`;
  output(bench, ['sh', '-c', script, 'sh', bench.foster]);
}

function many(bench) {
  const before = held();
  const alone = seconds(() => startMany(bench, 1, 50, 1));
  const together = seconds(() => startMany(bench, 51, COUNT, 2));
  try {
    const each = (held() - before) / COUNT;
    const [ps, few] = race(
      bench,
      [
        { name: 'ps', argv: [bench.foster, 'ps'] },
        { name: 'node', argv: ['node', '-e', '0'] },
      ],
      { rounds: 15, warmup: 2 },
    );
    return [
      ['started per second, one after the other', (50 / alone).toFixed(1)],
      ['started per second, two at a time', ((COUNT - 50) / together).toFixed(1)],
      ['PSS of monitor and PID 1 of an idle one, KiB', each.toFixed(0)],
      [`\`foster ps\` with ${COUNT} running, ms`, median(ps).toFixed(0)],
      ['bare `node -e 0` beside it, ms', median(few).toFixed(0)],
    ];
  } finally {
    output(bench, ['sh', '-c', '"$1" rm -f $("$1" ps -aq) >/dev/null', 'sh', bench.foster]);
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
      text: `\`foster run -d busybox sleep\`, ${COUNT} of them.`,
      head: ['', 'foster'],
      rows: many(bench),
      notes: [],
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
