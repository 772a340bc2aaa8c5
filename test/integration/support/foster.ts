import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { after } from 'node:test';
import { adoptOrphans, descendants, type Process } from './processes.js';
import { DEADLINE, waitUntil } from './wait.js';

/** The command under test (scripts/test sets it). */
export const FOSTER = process.env.FOSTER ?? join(process.cwd(), 'dist/foster');

export interface Result {
  status: number | null;
  /** The signal that killed foster itself. */
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Options {
  /** The whole standard input. */
  input?: string | Uint8Array;
  /** Added to the environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** Milliseconds after which it is killed, where that takes many starts of containers. */
  deadline?: number;
}

/**
 * An empty data folder, so that test files that run at the same time do not see each other's containers. It is removed
 * after the tests of the file.
 *
 *     const home = new Home();
 *     assert.equal(home.run(['--rm', 'busybox', 'true']).status, 0);
 *     await home.assertNothingLeft();
 */
export class Home {
  readonly folder = mkdtempSync(join(tmpdir(), 'foster-home-'));
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    for (const name of ['data', 'run', 'shared']) mkdirSync(join(this.folder, name), { mode: 0o700 });
    this.env = {
      ...process.env,
      HOME: this.folder,
      XDG_DATA_HOME: join(this.folder, 'data'),
      XDG_RUNTIME_DIR: join(this.folder, 'run'),
    };
    adoptOrphans();
    after(() => this.#remove());
  }

  /** A folder to mount in containers. */
  get shared(): string {
    return join(this.folder, 'shared');
  }

  /** Runs a foster command. If it takes longer than the deadline, it is killed and its status is null. */
  foster(args: string[], options: Options = {}): Result {
    const { status, signal, stdout, stderr } = spawnSync(FOSTER, args, {
      cwd: options.cwd,
      env: { ...this.env, ...options.env },
      input: options.input ?? '',
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      timeout: options.deadline ?? DEADLINE,
      killSignal: 'SIGKILL',
    });
    return { status, signal, stdout, stderr };
  }

  /** Runs `foster run`. */
  run(args: string[], options: Options = {}): Result {
    return this.foster(['run', ...args], options);
  }

  /** Runs `foster run --rm FLAGS busybox sh -c SCRIPT`. */
  shell(script: string, flags: string[] = [], options: Options = {}): Result {
    return this.run(['--rm', ...flags, 'busybox', 'sh', '-c', script], options);
  }

  /** Starts `foster run` in the background. */
  start(args: string[], options: Omit<Options, 'input'> = {}): Running {
    const child = spawn(FOSTER, ['run', ...args], {
      cwd: options.cwd,
      env: { ...this.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return new Running(child);
  }

  /** Existing folders, names and locks of containers, relative to the home. */
  leftFolders(): string[] {
    return ['data/foster/containers', 'data/foster/names', 'data/foster/locks'].flatMap((folder) =>
      entries(join(this.folder, folder)).map((name) => join(folder, name)),
    );
  }

  /**
   * Fails unless, before the deadline, all processes started here have ended, and no container has left a folder or a
   * mount behind. Removes leftovers, so that only one test fails.
   */
  async assertNothingLeft(): Promise<void> {
    try {
      await this.assertNoProcess();
      assert.deepEqual(this.leftFolders(), []);
    } finally {
      killAll();
      for (const folder of this.leftFolders()) rmSync(folder, { recursive: true, force: true });
    }
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(this.folder), 'mounts are left');
  }

  /** Fails unless, before the deadline, all processes started here have ended. */
  async assertNoProcess(): Promise<void> {
    await waitUntil('every process is gone', () => descendants().length === 0).catch(() => {
      assert.deepEqual(descendants().map(describe), [], 'processes are left');
    });
  }

  #remove(): void {
    killAll();
    removeTree(this.folder);
  }
}

/** Removes a tree whose files may belong to users of containers, and whose folders may have no permissions. */
export function removeTree(path: string): void {
  const enter = process.getuid?.() === 0 ? [] : ['unshare', '--map-root-user', '--map-auto'];
  const [program = '', ...words] = [...enter, 'rm', '-rf', path];
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8', env: process.env });
  if (status !== 0) rmSync(path, { recursive: true, force: true, maxRetries: 5 }); // this user has no range of ids
  assert.ok(!existsSync(path), `${path} is left: ${stderr}`);
}

function killAll(): void {
  for (const { pid } of descendants()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone, or not ours to kill: then it dies with the container's PID 1
    }
  }
}

function describe({ pid, parent, name, state }: Process): string {
  return `${pid} (${name}), child of ${parent}, state ${state}`;
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A running `foster run`. */
export class Running {
  /** Pid of the foster command, which becomes the monitor. */
  readonly pid: number;
  /** Settled when foster has exited and its output has been read. */
  readonly ended: Promise<Result>;
  stdout = '';
  stderr = '';
  /** Whether `ended` is settled. */
  hasEnded = false;

  constructor(readonly child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.pid = child.pid ?? 0;
    child.stdin.on('error', () => {}); // its reader is gone
    child.stdout.setEncoding('latin1').on('data', (text) => {
      this.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => {
        this.hasEnded = true;
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  /** Waits until standard output contains `text`. */
  async says(text: string, deadline = DEADLINE): Promise<void> {
    const what = `foster's output contains ${JSON.stringify(text)}`;
    await waitUntil(what, () => this.stdout.includes(text) || this.hasEnded, deadline);
    assert.ok(this.stdout.includes(text), `foster has ended before this happened: ${what}; ${this.stderr}`);
  }

  /** Sends a signal, by name or number, to the foster command. */
  signal(signal: NodeJS.Signals | number): void {
    process.kill(this.pid, signal);
  }

  /** The container's PID 1 and its descendants, with the host's pids. */
  processes(): Process[] {
    return descendants(this.pid);
  }
}
