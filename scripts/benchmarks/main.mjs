/** main.mjs --work DIR --foster COMMAND [--user NAME] [BENCHMARK...]: called by scripts/bench. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdown, run } from './bench.mjs';

/** In the order of the report. Each is a file in this folder that exports `measure(bench)`, which returns or yields tables. */
const BENCHMARKS = [
  'start',
  'exec',
  'memory',
  'background',
  'reaping',
  'images',
  'networks',
  'compose',
  'kube',
  'pods',
];

/** Only by name: it goes to a page of its own, docs/performance.md. */
const PROFILE = 'profile';

const PEERS = [
  ['bubblewrap', ['bwrap', '--version']],
  ['crun', ['crun', '--version']],
  ['runc', ['runc', '--version']],
  ['podman', ['podman', '--version']],
  ['tini', ['tini', '--version']],
  ['dumb-init', ['dumb-init', '--version']],
  ['catatonit', ['catatonit', '--version']],
  ['umoci', ['umoci', '--version']],
  ['skopeo', ['skopeo', '--version']],
  ['GNU tar', ['tar', '--version']],
  ['iperf', ['iperf3', '--version']],
  ['slirp4netns', ['slirp4netns', '--version']],
  ['pasta', ['pasta', '--version']],
  ['podman-compose', ['podman-compose', 'version']],
];

function version(bench, [name, argv]) {
  try {
    const { stdout, stderr } = run(bench, argv);
    return `${name} ${/\d+(\.\d+)+/.exec(stdout + stderr)?.[0] ?? '?'}`;
  } catch {
    return `no ${name}`;
  }
}

function machine(bench) {
  const [cpu] = cpus();
  const filesystem = spawnSync('stat', ['-f', '-c', '%T', bench.work], { encoding: 'utf8' }).stdout.trim();
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
  const versions = [`Node ${process.versions.node}`, ...PEERS.map((peer) => version(bench, peer))];
  return [
    `- ${new Date().toISOString().slice(0, 10)}, foster at ${commit || 'an unknown commit'}`,
    `- ${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ` +
      `Linux ${release()}, files on ${filesystem}`,
    `- ${versions.join(', ')}`,
  ].join('\n');
}

const HEAD = `# Benchmarks

\`make bench\` (scripts/bench) writes this page. It measures foster and its peers in the same run, in turn, as an unprivileged
user. Times depend on the machine and on its load, which affect all of them alike: compare the ratios.`;

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { work: { type: 'string' }, foster: { type: 'string' }, user: { type: 'string' } },
  });
  for (const name of positionals)
    if (![...BENCHMARKS, PROFILE].includes(name))
      throw new Error(`unknown benchmark ${name}, expected one of ${[...BENCHMARKS, PROFILE].join(', ')}`);
  const bench = { work: values.work, foster: values.foster, user: values.user };
  const parts = [HEAD, machine(bench)];
  for (const name of positionals.length > 0 ? positionals : BENCHMARKS) {
    console.error(`measuring ${name} ...`);
    const { measure } = await import(`./${name}.mjs`);
    for await (const table of await measure(bench)) {
      const text = markdown(table);
      console.log(`${text}\n`);
      parts.push(text);
      if (name === PROFILE)
        replaceTable(
          'docs/performance.md',
          `${machine(bench).split('\n').slice(0, 2).join('\n')}\n\n${text}`,
        );
    }
  }
  writeFileSync(join(bench.work, 'benchmarks.md'), `${parts.join('\n\n')}\n`);
}

/** Replaces what is between the markers of a page. */
function replaceTable(page, text) {
  const [begin, end] = ['<!-- table -->', '<!-- end of the table -->'];
  const old = readFileSync(page, 'utf8');
  const [from, to] = [old.indexOf(begin), old.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page} has no markers ${begin} and ${end}`);
  writeFileSync(page, `${old.slice(0, from)}${begin}\n\n${text}\n\n${old.slice(to)}`);
}

main().catch((error) => {
  console.error(`bench: ${readable(error)}`);
  process.exit(1);
});

function readable(error) {
  return error instanceof Error ? error.message : String(error);
}
