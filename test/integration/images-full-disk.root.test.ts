import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FOSTER, type Result } from './support/foster.js';
import { BUSYBOX_LAYER, dockerArchive } from './support/image-archive.js';
import { OciLayout } from './support/oci-layout.js';
import { DebianRegistry } from './support/registry.js';
import { tar } from './support/tar.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/**
 * A disk that fills up while images come, are made or are written, and Ctrl-C and SIGKILL at any moment: nothing is
 * left, and the next attempt works.
 */
const USER = 'foster-test';
const MEGABYTE = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'foster-images-full-'));
const disk = join(folder, 'data');
const path = (name: string) => join(folder, name);
let registry: DebianRegistry;

const noise = randomBytes(6 * MEGABYTE);
const members = [{ name: 'noise', content: noise }];

before(async () => {
  for (const name of ['data', 'run', 'home', 'context']) mkdirSync(path(name), { mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=700', 'foster-test', disk]);
  writeFileSync(path('app.tar'), dockerArchive({ names: ['app:1'], layers: [BUSYBOX_LAYER, members] }));
  writeFileSync(path('root.tar'), tar(...BUSYBOX_LAYER, ...members));
  writeFileSync(path('context/noise'), noise);
  writeFileSync(path('context/Dockerfile'), 'FROM localhost/foster/busybox\nCOPY noise /\n');
  registry = await DebianRegistry.start(path('registry'));
  const layout = new OciLayout();
  layout.image({ layers: [{ members: BUSYBOX_LAYER }, { members }] }, 'app');
  const copy = `oci:${layout.write(path('layout'))}:app docker://${registry.host}/app:1`.split(' ');
  execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', '--dest-tls-verify=false', ...copy]);
  writeFileSync(path('context/base'), 'FROM localhost/foster/busybox\n');
  execFileSync('chown', ['-R', `${USER}:`, folder]);
  chmodSync(folder, 0o755);
  must(['build', '-q', '-t', 'base', '-f', path('context/base'), path('context')]);
  must(['run', '--name', 'one', 'localhost/foster/busybox', 'sh', '-c', 'head -c 6000000 /dev/urandom > /x']);
});

after(async () => {
  await registry?.stop();
  foster(['rm', '-f', 'one']);
  execFileSync('umount', ['-l', disk]);
  rmSync(folder, { recursive: true, force: true });
});

function invocation(args: string[]): [string[], { env: Record<string, string>; cwd: string }] {
  const node = process.execPath.slice(0, process.execPath.lastIndexOf('/'));
  const env = {
    HOME: path('home'),
    XDG_DATA_HOME: disk,
    XDG_RUNTIME_DIR: path('run'),
    PATH: `${node}:/usr/bin:/bin:/usr/sbin:/sbin`,
  };
  return [
    [`--reuid=${USER}`, `--regid=${USER}`, '--init-groups', '--', FOSTER, ...args],
    { env, cwd: folder },
  ];
}

function foster(args: string[]): Result {
  const [argv, options] = invocation(args);
  const { status, signal, stdout, stderr } = spawnSync('setpriv', argv, {
    ...options,
    encoding: 'utf8',
    timeout: DEADLINE,
  });
  assert.doesNotMatch(stderr, /unexpected error|^\s+at /m, `${args.join(' ')}: ${stderr}`);
  return { status, signal, stdout, stderr };
}

function must(args: string[], expected = 0): string {
  const { status, stdout, stderr } = foster(args);
  assert.equal(status, expected, `foster ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const filler = join(disk, 'filler');

/** Leaves so many bytes. */
function fill(room: number): void {
  writeFileSync(filler, '');
  chownSync(filler, 0, 0);
  const { bavail, bsize } = statfsSync(disk);
  execFileSync('fallocate', ['-l', String(Math.floor(bavail * bsize - room)), filler]);
}

/** Blobs, layers, and whatever is put aside while one is made. */
function stored(): string[] {
  return readdirSync(join(disk, 'foster'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /^(images\/(blobs\/sha256|incoming)|layers|roots|roots\/locks)\/[^/]+$/.test(name))
    .sort();
}

interface Work {
  args: string[];
  /** Of a failure. */
  status: number;
  /** Megabytes of room with which it begins. */
  rooms: number[];
  /** What was downloaded is kept for a day, to be gone on with. */
  keepsParts?: boolean;
  undo: string[];
}

const WORKS: Record<string, () => Work> = {
  load: () => ({
    args: ['load', '-q', '-i', path('app.tar')],
    status: 125,
    rooms: [0.1, 3, 7, 12],
    undo: ['rmi', 'app:1'],
  }),
  pull: () => ({
    args: ['pull', '-q', `${registry.host}/app:1`],
    status: 125,
    rooms: [0.1, 3],
    keepsParts: true,
    undo: ['rmi', '-f', `${registry.host}/app:1`],
  }),
  import: () => ({
    args: ['import', path('root.tar'), 'imported:1'],
    status: 125,
    rooms: [0.1, 4, 12],
    undo: ['rmi', 'imported:1'],
  }),
  build: () => ({
    args: ['build', '-q', '--no-cache', '-t', 'built:1', path('context')],
    status: 1,
    rooms: [0.1, 3, 9],
    undo: ['rmi', 'built:1'],
  }),
  commit: () => ({
    args: ['commit', 'one', 'committed:1'],
    status: 1,
    rooms: [0.1, 3],
    undo: ['rmi', 'committed:1'],
  }),
};

for (const [name, work] of Object.entries(WORKS)) {
  test(`${name}: a disk that fills up`, () => {
    const { args, status, rooms, undo, keepsParts = false } = work();
    must(['image', 'prune', '-f']); // what builds remember goes too
    const before = stored();
    for (const room of rooms) {
      fill(room * MEGABYTE);
      const result = foster(args);
      rmSync(filler);
      assert.match(result.stderr, /no space left|full/, `${room} MB: ${result.stderr}`);
      assert.match(result.stderr, /free some space/, `it says what to do: ${result.stderr}`);
      assert.equal(result.status, status, result.stderr);
      if (keepsParts) foster(['image', 'prune', '-f']);
      assert.deepEqual(stored(), before, `with ${room} MB`);
    }
    must(args);
    must(undo);
    must(['image', 'prune', '-f']);
    assert.deepEqual(stored(), before);
  });

  test(`${name}: Ctrl-C and SIGKILL at any moment`, async () => {
    const { args, undo, keepsParts = false } = work();
    const image = undo.at(-1) ?? '';
    must(args); // whatever is made once is made
    must(undo);
    must(['image', 'prune', '-f']);
    const before = stored();
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      for (const delay of [60, 120, 180, 250, 350]) {
        const code = await killedAfter(args, delay, signal);
        await waitUntil('no process is left', () => processesOf(USER).length === 0);
        if (signal === 'SIGINT' && code !== 0) {
          assert.ok(code === 130 || code === null, `${code} after ${delay} ms`); // null: with nothing to undo
        }
        // With the image in place, the signal came between the end of the work and that of the process.
        if (signal === 'SIGINT' && foster(['image', 'exists', image]).status !== 0) {
          if (keepsParts) must(['image', 'prune', '-f']);
          assert.deepEqual(stored(), before, `after ${delay} ms`);
        }
        foster(undo);
        must(['image', 'prune', '-f']);
        assert.deepEqual(stored(), before, `${signal} after ${delay} ms`);
      }
    }
    must(args);
    must(undo);
  });
}

async function killedAfter(args: string[], delay: number, signal: NodeJS.Signals): Promise<number | null> {
  const [argv, options] = invocation(args);
  const child = spawn('setpriv', argv, { ...options, stdio: 'ignore' });
  const ended = new Promise<number | null>((done) => child.on('exit', done));
  const timer = setTimeout(() => child.kill(signal), delay);
  const code = await ended;
  clearTimeout(timer);
  return code;
}

/** Those of the user whose command line names our folder, or whose parent did. */
function processesOf(user: string): string[] {
  const { stdout } = spawnSync('pgrep', ['-u', user, '-a'], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes(folder));
}

test('save and export: a disk that fills up leaves no file, or the earlier one', () => {
  must(['load', '-q', '-i', path('app.tar')]);
  for (const [expected, ...args] of [
    [125, 'save', 'app:1'],
    [1, 'export', 'one'],
  ] as [number, ...string[]][]) {
    const file = join(disk, 'out.tar');
    fill(2 * MEGABYTE);
    const before = readdirSync(disk);
    const { status, stderr } = foster([...args, '-o', file]);
    assert.match(stderr, /no space left/);
    assert.equal(status, expected, stderr);
    assert.deepEqual(readdirSync(disk), before);
    rmSync(filler);
    writeFileSync(file, 'old');
    execFileSync('chown', [`${USER}:`, file]);
    fill(2 * MEGABYTE);
    assert.equal(foster([...args, '-o', file]).status, expected);
    truncateSync(filler);
    must([...args, '-o', file]);
    rmSync(file);
    rmSync(filler);
    assert.equal(existsSync(file), false);
  }
  must(['rmi', 'app:1']);
});
