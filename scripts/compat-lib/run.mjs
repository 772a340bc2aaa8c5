/** Runs the rows of the table in foster and in Podman, and compares. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, readTable } from './table.mjs';

/** Seconds that a row may take. */
const LIMIT = 60;
const IMAGE = 'localhost/compat:1';

const CONTAINERS_CONF = `[containers]
netns = "none"
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** A home for one tool, where it is called \`foster\`, whatever it is. */
class World {
  constructor(name, program) {
    this.name = name;
    this.folder = mkdtempSync(join(tmpdir(), `compat-${name}-`));
    const bin = join(this.folder, 'bin');
    for (const folder of ['bin', 'home', 'run', 'work'])
      mkdirSync(join(this.folder, folder), { mode: 0o700 });
    writeFileSync(join(bin, 'foster'), `#!/bin/sh\nexec ${program} "$@"\n`);
    chmodSync(join(bin, 'foster'), 0o755);
    writeFileSync(join(this.folder, 'containers.conf'), CONTAINERS_CONF);
    writeFileSync(join(this.folder, 'storage.conf'), '[storage]\ndriver = "overlay"\n');
    cpSync(join(ROOT, 'test/compat/work'), join(this.folder, 'work'), { recursive: true });
    this.env = {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: join(this.folder, 'home'),
      XDG_RUNTIME_DIR: join(this.folder, 'run'),
      CONTAINERS_CONF: join(this.folder, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: join(this.folder, 'storage.conf'),
      LANG: 'C.UTF-8',
      I: IMAGE,
    };
  }

  async run(script) {
    const child = spawn('bash', ['-c', script], {
      cwd: join(this.folder, 'work'),
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT * 1000,
      killSignal: 'SIGKILL',
    });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', (text) => {
        output[stream] += text;
      });
    // a container in the background may hold the streams: what counts is that the script has ended
    const status = await new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    await new Promise((resolve) => setImmediate(resolve));
    return { status, ...output };
  }

  async must(script) {
    const { status, stderr } = await this.run(script);
    if (status !== 0) throw new Error(`${this.name}: ${script}: ${status} ${stderr}`);
  }

  async begin() {
    await this.must(
      'mkdir -p rootfs/bin rootfs/tmp rootfs/etc && cp "$(command -v busybox)" rootfs/bin/busybox && ' +
        'for name in $(rootfs/bin/busybox --list); do [ -e rootfs/bin/$name ] || ln -s busybox rootfs/bin/$name; done && ' +
        'echo root:x:0:0:root:/:/bin/sh > rootfs/etc/passwd && echo root:x:0: > rootfs/etc/group && ' +
        'tar -C rootfs -cf rootfs.tar . && ' +
        `foster import -c 'CMD ["sh"]' -c 'ENV COLOUR=blue' -c 'LABEL team=compat' rootfs.tar ${IMAGE}`,
    );
  }

  async end() {
    const ids = '$(foster ps -aq)';
    await this.run(`[ -z "${ids}" ] || foster rm -f ${ids}`);
    const pause = join(this.folder, 'run/libpod/tmp/pause.pid');
    if (this.name === 'podman') {
      spawnSync('podman', ['unshare', 'rm', '-rf', join(this.folder, 'home/.local')], { env: this.env });
      if (existsSync(pause)) process.kill(Number(readFileSync(pause, 'utf8')));
    } else await this.run('foster system prune -af');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What is not the same twice, or does not matter: ids, times, sizes, the width of columns. */
function normalize(text) {
  return text
    .replace(/\b[0-9a-f]{64}\b/g, '<id>')
    .replace(/\b[0-9a-f]{12}\b/g, '<short id>')
    .replace(/\b\d{4}-\d\d-\d\d[T ][\d:.]+(Z| ?[+-]\d\d:?\d\d)?( [A-Z]{3,4})?/g, '<date>')
    .replace(/Less than a second|About an? (minute|hour)|\b\d+ (second|minute|hour|year)s?\b/g, '<time>')
    .replace(/\b\d+(\.\d+)? ?[kMG]i?B\b/g, '<size>')
    .replace(/[ \t]{2,}|\t/g, '  ')
    .replace(/ +$/gm, '');
}

/** What is wrong with a row's outcome; nothing where it is as the table says. */
function problemOf(row, foster, podman) {
  const { verdict, status, output, note } = row;
  if (status !== undefined && foster.status !== status)
    return `exit code ${foster.status}, expected ${status}`;
  if (output !== undefined && !new RegExp(output, 's').test(foster.stdout + foster.stderr))
    return `does not print ${output}`;
  if (verdict === 'refused') {
    if (foster.status === 0) return 'is not refused';
    return /not supported|cannot|expected/.test(foster.stderr) ? undefined : 'is refused without a reason';
  }
  if (verdict === 'docker' && status === undefined && foster.status !== 0)
    return `exit code ${foster.status}`;
  if (podman === undefined) return undefined;
  const isSame = foster.status === podman.status && normalize(foster.stdout) === normalize(podman.stdout);
  if (verdict === 'same' && !isSame) {
    return foster.status === podman.status
      ? 'prints something else'
      : `exit code ${foster.status}, podman ${podman.status}`;
  }
  if (verdict === 'differs' && isSame) return 'does the same';
  if (verdict === 'differs' && note === '') return 'does not say how it differs';
  return undefined;
}

/** @param files names of files of the table; none for all. @returns whether everything is as the table says */
export async function compare(files, program) {
  const rows = readTable().filter(({ file }) => files.length === 0 || files.includes(file));
  const foster = new World('foster', program);
  const hasPodman = spawnSync('podman', ['--version']).status === 0;
  const podman = hasPodman ? new World('podman', '/usr/bin/podman') : undefined;
  const worlds = podman === undefined ? [foster] : [foster, podman];
  const outcomes = new Map(rows.map((row) => [row, {}]));
  const seconds = new Map();
  const runAll = async (world) => {
    const start = Date.now();
    await world.begin();
    let file = rows[0]?.file;
    for (const row of rows) {
      if (row.file !== file) await world.run('ids=$(foster ps -aq); [ -z "$ids" ] || foster rm -f $ids');
      file = row.file;
      if (world === podman && (row.verdict === 'docker' || row.verdict === 'refused')) continue;
      const began = Date.now();
      outcomes.get(row)[world.name] = await world.run(row.script);
      outcomes.get(row)[`${world.name}Time`] = Date.now() - began;
    }
    seconds.set(world.name, Math.round((Date.now() - start) / 1000));
  };
  let failures = 0;
  const counts = {};
  try {
    await Promise.all(worlds.map(runAll));
    for (const [row, { foster: ours, podman: theirs, fosterTime, podmanTime }] of outcomes) {
      if (process.env.COMPAT_TIMES) console.log(`${fosterTime} ${podmanTime} ${row.script}`);
      if (row.verdict === 'begin') {
        if (ours.status === 0) continue;
        failures++;
        console.log(`FAILED: ${row.where}: ${row.script}\n${ours.stderr}`);
        continue;
      }
      const problem = problemOf(row, ours, theirs);
      const key = row.isLater ? 'later' : row.verdict;
      counts[key] = (counts[key] ?? 0) + 1;
      if ((problem === undefined) !== row.isLater) continue;
      failures++;
      console.log(
        `FAILED: ${row.where}: ${row.isLater ? 'works: take away "later"' : problem}\n  ${row.script}`,
      );
      for (const [name, outcome] of Object.entries({ foster: ours, podman: theirs })) {
        if (outcome === undefined || row.isLater) continue;
        const shown = [`${name}: ${outcome.status}`, normalize(outcome.stdout), outcome.stderr].map((text) =>
          text.trimEnd(),
        );
        console.log(shown.filter(Boolean).join('\n').slice(0, 1500).replace(/^/gm, '    '));
      }
    }
  } finally {
    for (const world of worlds) await world.end();
  }
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const times = [...seconds].map(([name, time]) => `${name} ${time} s`).join(', ');
  console.log(
    `${total} command lines: ${Object.entries(counts)
      .map(([key, n]) => `${n} ${key}`)
      .join(', ')} (${times})`,
  );
  return failures === 0;
}
