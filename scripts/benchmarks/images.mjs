/** Unpacking and pulling images, compared with other programs. */
import { join } from 'node:path';
import { output, ratio } from './bench.mjs';
import { contest, totalCost } from './contest.mjs';
import { makeInputs, makeLayeredImage } from './image-inputs.mjs';
import { withRegistry } from './registry.mjs';

const ROUNDS = 3;

const UNPACK_TEXT = `\
Images of one layer, which is the same file for all. \`foster load\` and \`podman load\` (rootless, its storage driver
overlay) read an oci-archive, check the digests, keep the layer as it came, and unpack it with the owners that it says;
\`umoci unpack --rootless\` starts from an OCI layout, gives all files to the caller, and records a checksum of each in a
file; tar (\`tar -xf\`, with gzip as a process beside it) gives all files to the caller and checks nothing. \`foster run\`
is given the layer as a tar file instead of an image, and runs \`true\` in it. MB are those of the uncompressed archive,
which is in memory before. Each starts with an empty store, and after sync(1): median of ${ROUNDS}, in turn. CPU: seconds of
all processors together, in user and system mode. Peak: the most memory that all its processes held at one time in any
round, the sum of their PSS looked at every 20 ms; the cache of files is not in it. If root starts the benchmark, all of
them write to a tmpfs: an ext4 without a journal does not use an inode again that was freed a minute ago, and searching for
others took most of the time of each, as long as those of the round before were not old enough.`;

const PULL_TEXT = `\
From a docker-registry at 127.0.0.1, without TLS, the rest as above. \`foster pull\` and \`podman pull\` download, check
and unpack; \`skopeo copy\` into an OCI layout only downloads and checks. The run is that of \`true\` right after the pull,
with a store that has nothing else in it; the second pull finds all there.`;

/** podman with its storage in a separate folder, so that no run finds the files of another. */
function podman(place, ...rest) {
  return ['podman', '--storage-driver=overlay', `--root=${place}/root`, `--runroot=${place}/run`, ...rest];
}

function foster(bench, place, ...rest) {
  return ['env', `XDG_DATA_HOME=${place}`, bench.foster, ...rest];
}

async function unpacking(bench, place, input) {
  const { archive, ociArchive, layout, image, size } = input;
  const isPlain = archive.endsWith('.tar');
  const contestants = [
    ['foster load', foster(bench, place, 'load', '-q', '-i', ociArchive)],
    ...(isPlain ? [['foster run FILE', foster(bench, place, 'run', '--rm', archive, 'true')]] : []),
    ['podman load', podman(place, 'load', '-q', '-i', ociArchive)],
    ['umoci unpack', ['umoci', 'unpack', '--rootless', '--image', `${layout}:${image}`, place]],
  ].map(([name, argv]) => ({ name, steps: { unpack: argv } }));
  const tar = { prepare: ['mkdir', place], unpack: ['tar', '-xf', archive, '-C', place] };
  contestants.push({ name: 'GNU tar', steps: tar });
  const { results, notes } = await contest(bench, contestants, { place, rounds: ROUNDS });
  const megabytes = size / 1e6;
  const lines = results.map(({ name, costs }) => ({ name, ...totalCost(costs, ['unpack']) }));
  return {
    title: `Unpacking: ${megabytes.toFixed(0)} MB (${input.title})`,
    head: ['', 'MB/s', 'CPU s', 'peak MiB', 'time to foster load'],
    rows: lines.map(({ name, seconds, cpu, peak }) => [
      name,
      (megabytes / seconds).toFixed(0),
      cpu.toFixed(1),
      peak.toFixed(0),
      ratio(seconds, lines[0].seconds),
    ]),
    notes,
  };
}

function pullContestants(bench, place, name, host) {
  const isolation = ['--cgroups=disabled', '--network=none', '--log-driver=none'];
  return [
    {
      name: 'foster',
      steps: {
        pull: foster(bench, place, 'pull', '-q', name),
        run: foster(bench, place, 'run', '--rm', name, 'true'),
        again: foster(bench, place, 'pull', '-q', name),
      },
    },
    {
      name: 'podman',
      steps: {
        pull: podman(place, 'pull', '-q', '--tls-verify=false', name),
        run: podman(place, '--runtime=crun', 'run', '--rm', ...isolation, name, 'true'),
        again: podman(place, 'pull', '-q', '--tls-verify=false', name),
      },
    },
    {
      name: 'skopeo',
      steps: {
        copy: [
          ...['skopeo', 'copy', '-q', '--src-tls-verify=false'],
          ...[`docker://${name}`, `oci:${place}:${name.replace(host, 'bench')}`],
        ],
      },
    },
  ];
}

/** The steps that a row of the table adds up. */
const PULL_ROWS = [
  ['foster', 'pull', ['pull']],
  ['podman', 'pull', ['pull']],
  ['skopeo', 'copy', ['copy']],
  ['foster', 'pull, then run', ['pull', 'run']],
  ['podman', 'pull, then run', ['pull', 'run']],
  ['foster', 'second pull', ['again']],
  ['podman', 'second pull', ['again']],
];

async function pulling(bench, place) {
  const image = makeLayeredImage(bench);
  return await withRegistry(bench, async (host) => {
    const name = `${host}/bench/layers:latest`;
    const copy = ['skopeo', 'copy', '-q', '--dest-tls-verify=false'];
    output(bench, [...copy, `oci:${image.layout}:${image.image}`, `docker://${name}`]);
    const contestants = pullContestants(bench, place, name, host);
    const { results, notes } = await contest(bench, contestants, { place, rounds: ROUNDS });
    const lines = PULL_ROWS.flatMap(([who, what, steps]) => {
      const result = results.find((one) => one.name === who);
      if (result === undefined) return [];
      return [{ who, what, ...totalCost(result.costs, steps) }];
    });
    const base = (what) => lines.find((line) => line.what === what && line.who === 'foster') ?? lines[0];
    return {
      title: `Pulling ${image.layers} layers, ${(image.size / 1e6).toFixed(0)} MB compressed`,
      text: PULL_TEXT,
      head: ['', 'seconds', 'CPU s', 'peak MiB', 'time to foster'],
      rows: lines.map(({ who, what, seconds, cpu, peak }) => [
        `${who} ${what}`,
        seconds.toFixed(2),
        cpu.toFixed(1),
        peak.toFixed(0),
        ratio(seconds, base(what).seconds),
      ]),
      notes,
    };
  });
}

/** Yields the tables one by one, because the benchmark takes minutes. */
export async function* measure(bench) {
  const place = join(bench.work, 'tmp', 'place'); // short: podman allows 50 characters
  const { inputs, notes } = makeInputs(bench);
  for (const [index, input] of inputs.entries()) {
    const table = await unpacking(bench, place, input);
    if (index === 0) table.notes.push(...notes);
    yield { ...table, text: index === 0 ? UNPACK_TEXT : 'As above.' };
  }
  yield await pulling(bench, place);
}
