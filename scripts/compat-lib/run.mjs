/** Runs the rows of the table in foster and in Podman, and compares. */
import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
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
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { hasLanded, ROOT, readTable } from './table.mjs';

/** Seconds that a row may take. */
const LIMIT = 60;
/** Milliseconds to wait for open streams after the end of a script; after that, a container must be holding them. */
const HELD = 1000;
const IMAGE = 'localhost/compat:1';

const CONTAINERS_CONF = `[containers]
netns = "none"
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
stop_timeout = 0
`;

/** A home for one tool, in which the tool is called `foster`, even if it is podman. */
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
    const storage = [
      'driver = "overlay"',
      `graphroot = "${this.folder}/storage"`,
      `runroot = "${this.folder}/runroot"`,
    ];
    writeFileSync(join(this.folder, 'storage.conf'), `[storage]\n${storage.join('\n')}\n`);
    cpSync(join(ROOT, 'test/compat/work'), join(this.folder, 'work'), { recursive: true });
    writeFileSync(join(this.folder, 'work/auth.json'), '{}');
    this.env = {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: join(this.folder, 'home'),
      ...(process.env.XDG_CACHE_HOME && { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }),
      XDG_RUNTIME_DIR: join(this.folder, 'run'),
      CONTAINERS_CONF: join(this.folder, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: join(this.folder, 'storage.conf'),
      LANG: 'C.UTF-8',
      FOSTER_NETWORK: 'none', // CONTAINERS_CONF sets the same for Podman
      I: IMAGE,
    };
  }

  async run(script) {
    const child = spawn('bash', ['-o', 'pipefail', '-c', script], {
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
    const closed = new Promise((resolve) => child.on('close', resolve));
    const status = await new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    // output of the script may still be in the pipes, but a container in the background may keep them open
    await Promise.race([closed, setTimeout(HELD, undefined, { ref: false })]);
    return { status, ...output };
  }

  async must(script) {
    const { status, stderr } = await this.run(script);
    if (status !== 0) throw new Error(`${this.name}: ${script}: ${status} ${stderr}`);
  }

  /** Starts an empty registry, if Debian's is installed. */
  async startRegistry() {
    const address = `127.0.0.1:${await freePort()}`;
    const config = {
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(this.folder, 'registry') } },
      http: { addr: address, secret: 'compat' },
    };
    const file = join(this.folder, 'registry.yml');
    writeFileSync(file, JSON.stringify(config)); // JSON is YAML
    this.registry = spawn('docker-registry', ['serve', file], { stdio: 'ignore' });
    this.env.R = address;
    for (const end = Date.now() + LIMIT * 1000; Date.now() < end && !(await listens(address)); )
      await setTimeout(20);
  }

  async begin() {
    await this.startRegistry();
    await this.must(
      'mkdir -p rootfs/bin rootfs/tmp rootfs/etc && cp "$(command -v busybox)" rootfs/bin/busybox && ' +
        'for name in $(rootfs/bin/busybox --list); do [ -e rootfs/bin/$name ] || ln -s busybox rootfs/bin/$name; done && ' +
        'echo root:x:0:0:root:/:/bin/sh > rootfs/etc/passwd && echo root:x:0: > rootfs/etc/group && ' +
        'tar -C rootfs -cf rootfs.tar . && ' +
        `foster import -c 'CMD ["sh"]' -c 'ENV COLOUR=blue' -c 'LABEL team=compat' rootfs.tar ${IMAGE}`,
    );
  }

  async end() {
    this.registry?.kill('SIGKILL');
    const ids = '$(foster ps -aq)';
    await this.run('foster pod rm -f -t 0 -a');
    await this.run(`[ -z "${ids}" ] || foster rm -f ${ids}`);
    const pause = join(this.folder, 'run/libpod/tmp/pause.pid');
    if (this.name === 'podman') {
      const stored = ['storage', 'home/.local'].map((name) => join(this.folder, name));
      spawnSync('podman', ['unshare', 'rm', '-rf', ...stored], { env: this.env });
      if (existsSync(pause)) process.kill(Number(readFileSync(pause, 'utf8')));
    } else await this.run('foster system prune -af');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One below those that the kernel chooses for others, so that none of them takes it before it is used. */
async function freePort() {
  for (;;) {
    const port = randomInt(20_000, 32_768);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

function listens(address) {
  return fetch(`http://${address}/v2/`).then(
    () => true,
    () => false,
  );
}

/** Replaces everything that differs between runs or does not matter: ids, times, sizes, the width of columns. */
function normalize(text) {
  return text
    .replace(/\b[0-9a-f]{64}\b/g, '<id>')
    .replace(/\b[0-9a-f]{12}\b/g, '<short id>')
    .replace(/127\.0\.0\.1:\d+/g, '<registry>')
    .replace(/\b\d{4}-\d\d-\d\d[T ][\d:.]+(Z| ?[+-]\d\d:?\d\d)?( [A-Z]{3,4})?/g, '<date>')
    .replace(/Less than a second|About an? (minute|hour)|\b\d+ (second|minute|hour|year)s?\b/g, '<time>')
    .replace(/\b\d+(\.\d+)? ?[kMG]i?B\b/g, '<size>')
    .replace(/[ \t]{2,}|\t/g, '  ')
    .replace(/ +$/gm, '');
}

/** What is wrong with a row's outcome; undefined if it is as in the table. */
function problemOf(row, foster, podman) {
  const { verdict, status, output, note } = row;
  if (verdict === 'begin') {
    const failed = [foster, podman].find((outcome) => outcome !== undefined && outcome.status !== 0);
    return failed && `exit code ${failed.status}`;
  }
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
  if (verdict !== 'same' && verdict !== 'differs') return undefined;
  if (podman === undefined) return 'is not recorded: run scripts/compat --record';
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

/** Podman's outcomes when it was last run. With them, the table can be checked in half the time and without Podman. */
const RECORD = join(ROOT, 'test/compat/podman.json');

function readRecord() {
  return new Map(Object.entries(JSON.parse(readFileSync(RECORD, 'utf8')).rows));
}

/** Writes the record, and keeps the outcomes of the rows in other files. */
function writeRecord(rows, outcomes) {
  const known = existsSync(RECORD) ? readRecord() : new Map();
  for (const row of rows) {
    const outcome = outcomes.get(row);
    if (outcome !== undefined)
      known.set(row.script, { status: outcome.status, stdout: normalize(outcome.stdout) });
  }
  const scripts = readTable().map(({ script }) => script);
  const kept = scripts.filter((script) => known.has(script)).map((script) => [script, known.get(script)]);
  const version = spawnSync('podman', ['--version'], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(RECORD, `${JSON.stringify({ version, rows: Object.fromEntries(kept) }, null, 2)}\n`);
}

/** Runs the rows one after the other. @returns the outcome of each */
async function runRows(world, rows) {
  const outcomes = new Map();
  try {
    await world.begin();
    let file = rows[0]?.file;
    for (const row of rows) {
      if (row.file !== file) await world.run('ids=$(foster ps -aq); [ -z "$ids" ] || foster rm -f $ids');
      file = row.file;
      if (world.name === 'podman' && (row.verdict === 'docker' || row.verdict === 'refused')) continue;
      const start = Date.now();
      outcomes.set(row, await world.run(row.script));
      if (process.env.COMPAT_TIMES) console.log(`${world.name} ${Date.now() - start} ms: ${row.script}`);
    }
    return outcomes;
  } finally {
    await world.end();
  }
}

/** Runs rows in two worlds at a time: files do not depend on each other. @returns the outcome of each */
async function runSideBySide(name, program, rows) {
  const isFirst = ({ file }) => /^(run|exec)/.test(file);
  const parts = [rows.filter(isFirst), rows.filter((row) => !isFirst(row))].filter(
    ({ length }) => length > 0,
  );
  const outcomes = await Promise.all(parts.map((part) => runRows(new World(name, program), part)));
  return new Map(outcomes.flatMap((part) => [...part]));
}

/**
 * Runs rows in foster, and compares the outcomes with those of the local Podman, or with the recorded ones.
 * @param files names of files of the table; none for all
 * @returns whether everything is as in the table
 */
export async function compare(files, program, { isLive, records, landed }) {
  const rows = readTable().filter(({ file }) => files.length === 0 || files.includes(file));
  const start = Date.now();
  const [ours, theirs] = await Promise.all([
    runSideBySide('foster', program, rows),
    isLive ? runSideBySide('podman', '/usr/bin/podman', rows) : undefined,
  ]);
  if (records) writeRecord(rows, theirs);
  const recorded = isLive ? undefined : readRecord();
  const counts = {};
  let isAsExpected = true;
  for (const row of rows) {
    const foster = ours.get(row);
    const podman = theirs === undefined ? recorded.get(row.script) : theirs.get(row);
    const problem = problemOf(row, foster, podman);
    if (row.verdict !== 'begin') {
      const key = row.isLater ? 'later' : row.verdict;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    if ((problem === undefined) !== row.isLater) continue;
    if (row.isLater && landed) {
      hasLanded(row);
      continue;
    }
    isAsExpected = false;
    report(row, row.isLater ? 'works: take away "later"' : problem, { foster, podman });
  }
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const summary = Object.entries(counts).map(([key, count]) => `${count} ${key}`);
  console.log(`${total} command lines: ${summary.join(', ')} (${Math.round((Date.now() - start) / 1000)} s)`);
  return isAsExpected;
}

function report(row, problem, outcomes) {
  console.log(`FAILED: ${row.where}: ${problem}\n  ${row.script}`);
  for (const [name, outcome] of Object.entries(outcomes)) {
    if (outcome === undefined || row.isLater) continue;
    const { status, stdout, stderr = '' } = outcome;
    const parts = [`${name}: ${status}`, normalize(stdout).trimEnd(), stderr.trimEnd()].filter(Boolean);
    console.log(parts.join('\n').slice(0, 1500).replace(/^/gm, '    '));
  }
}
