/** MB of a tar archive unpacked per second, beside GNU tar. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, output, ratio, run } from './bench.mjs';

const ROUNDS = 3;

/** A Debian tree without asking the network for one: the files of this machine's packages of priority "required". */
const DEBIAN = `
  set -e
  dpkg-query -W -f '\${Package} \${Priority}\\n' | sed -n 's/ required$//p' | xargs dpkg -L | sed 's,^/,,' |
    grep -vE '^(\\.|(bin|sbin|lib|lib64)(/.*)?)?$' | while read -r file; do [ -r "/$file" ] && echo "$file"; done |
    sort -u | tar -c --no-recursion --ignore-failed-read -C / -T - -f "$1" 2>/dev/null || [ -s "$1" ]
  tar -r -C "$2" -f "$1" true
`;

const SMALL_FILES = 20_000;

function makeSmallFiles(bench) {
  const tree = join(bench.work, 'small');
  for (let index = 0; index < SMALL_FILES; index++) {
    const folder = join(tree, `d${index % 200}`);
    if (index < 200) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${index}`), Buffer.alloc((index * 37) % 4096, index & 0xff));
  }
  return tree;
}

function archives(bench) {
  const scratch = join(bench.work, 'scratch');
  const program = join(scratch, 'program');
  output(bench, ['sh', '-c', 'mkdir -p "$1" && cp "$(command -v busybox)" "$1/true"', 'sh', program]);
  const debian = join(scratch, 'debian.tar');
  const small = join(scratch, 'small.tar');
  output(bench, ['sh', '-c', DEBIAN, 'sh', debian, program]);
  output(bench, ['tar', '-c', '-C', makeSmallFiles(bench), '-f', small, '.']);
  output(bench, ['tar', '-r', '-C', program, '-f', small, 'true']);
  output(bench, ['gzip', '-k', '-6', debian]);
  return [
    { name: 'a Debian tree', path: debian, plain: debian },
    { name: 'the same, gzip', path: `${debian}.gz`, plain: debian },
    { name: `${SMALL_FILES} small files`, path: small, plain: small },
  ];
}

/** Removes as the user what may belong to any of its ids. */
function remove(bench, path) {
  if (process.getuid() === 0) rmSync(path, { recursive: true, force: true });
  else run(bench, ['unshare', '--map-auto', '--map-root-user', 'rm', '-rf', path]);
}

function timed(bench, argv) {
  output(bench, ['sync', '-f', bench.work]);
  const start = process.hrtime.bigint();
  output(bench, argv);
  return Number(process.hrtime.bigint() - start) / 1e9;
}

export function measure(bench) {
  const place = join(bench.work, 'scratch', 'unpacked');
  const rows = archives(bench).map(({ name, path, plain }) => {
    const megabytes = statSync(plain).size / 1e6;
    const tar = [];
    const foster = [];
    for (let round = 0; round < ROUNDS; round++) {
      tar.push(timed(bench, ['sh', '-c', 'mkdir "$1" && tar -xf "$2" -C "$1"', 'sh', place, path]));
      remove(bench, place);
      const command = ['env', `XDG_DATA_HOME=${place}`, bench.foster, 'run', '--rm', path, '/true'];
      foster.push(timed(bench, command) - timed(bench, command));
      remove(bench, place);
    }
    const rate = (times) => megabytes / median(times);
    const count = readFileCount(bench, path);
    return [
      `${name} (${megabytes.toFixed(0)} MB, ${count} files)`,
      rate(foster).toFixed(0),
      rate(tar).toFixed(0),
      ratio(rate(foster), rate(tar)),
    ];
  });
  return [
    {
      title: 'Unpacking',
      text:
        'MB of the uncompressed archive per second. foster: the first `foster run FILE true` less the second, which finds\n' +
        'the files unpacked. It keeps the owners of files, computes the digest of the archive and checks every path; tar\n' +
        '(`tar -xf`) gives all files to the caller.',
      head: ['', 'foster', 'GNU tar', 'foster to tar'],
      rows,
      notes: [],
    },
  ];
}

function readFileCount(bench, path) {
  return output(bench, ['tar', '-tf', path]).split('\n').length - 1;
}
