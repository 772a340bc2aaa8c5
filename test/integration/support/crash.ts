import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FOSTER, Home, type Result } from './foster.js';
import { bury, descendants, type Process, readProcess } from './processes.js';
import { DEADLINE, waitUntil } from './wait.js';

/** What `foster ps -a` says of a container. */
export interface Listed {
  id: string;
  name: string;
  state: string;
}

const ALIVE = ['running', 'paused', 'restarting'];

/**
 * A home in which things go wrong: what `foster ps -a` says is compared with the processes that there really are, and
 * after `foster prune` nothing at all may be left.
 */
export class CrashHome extends Home {
  readonly #commands = new Set<number>();

  /** A foster command in the background, from start to end. */
  begin(args: string[], env: Record<string, string> = {}): Promise<Result> {
    const child = spawn(FOSTER, args, { env: { ...this.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.pid !== undefined) this.#commands.add(child.pid);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const processes = descendants().map(
          ({ pid, parent, name, state }) => `${parent} > ${pid} ${name} ${state}`,
        );
        reject(new Error(`foster ${args.join(' ')} does not end; processes: ${processes.join(', ')}`));
      }, 2 * DEADLINE); // many may run at once
      child.on('error', reject);
      child.on('close', (status, signal) => {
        clearTimeout(timer);
        resolve({ status, signal, stdout, stderr });
      });
    });
  }

  /** Fails where foster says that it has made a mistake. Returns the result. */
  sane(result: Result, what: string): Result {
    assert.doesNotMatch(result.stderr, /unexpected error|^\s+at /m, `${what}: ${result.stderr}`);
    assert.notEqual(result.status, null, `${what} was killed by ${result.signal}`);
    return result;
  }

  /** A foster command that has to succeed. */
  must(args: string[], env: Record<string, string> = {}): string {
    const result = this.sane(this.foster(args, { env }), args.join(' '));
    assert.equal(result.status, 0, `foster ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  listed(): Listed[] {
    const lines = this.must(['ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.State}}']).split(
      '\n',
    );
    return lines.filter(Boolean).map((line) => {
      const [id = '', name = '', state = ''] = line.split(' ');
      return { id, name, state };
    });
  }

  /** Waits until `ps -a` agrees with the processes there are: a monitor for each container that is alive, and its PID 1. */
  async assertTruth(): Promise<Listed[]> {
    let listed: Listed[] = [];
    let last = '';
    const isTrue = () => {
      listed = this.listed();
      const alive = listed.filter(({ state }) => ALIVE.includes(state));
      const processes = descendants();
      const hasOrphans = this.#buryOrphans(processes);
      const monitors = processes.filter(({ name }) => name === 'foster-monitor').length;
      const pids = alive
        .filter(({ state }) => state === 'running')
        .map(({ id }) => Number(this.foster(['inspect', '-f', '{{.State.Pid}}', id]).stdout));
      last = JSON.stringify({ listed, monitors, pids, processes });
      return (
        !hasOrphans &&
        monitors === alive.length &&
        pids.every((pid) => processes.some((process) => process.pid === pid))
      );
    };
    await waitUntil('', isTrue).catch(() => assert.fail(`ps -a does not tell the truth: ${last}`));
    return listed;
  }

  /**
   * As the machine's init would: a PID namespace ends only when all of it is buried, who was to join it included.
   * Returns whether there are some that still live.
   */
  #buryOrphans(living: Process[]): boolean {
    for (const name of readdirSync('/proc')) {
      const entry = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
      const isOrphan = entry?.parent === process.pid && entry.state === 'Z' && !this.#commands.has(entry.pid);
      if (isOrphan) bury(entry.pid);
    }
    return living.some(({ name, parent }) => name === 'foster-init' && parent === process.pid);
  }

  #mustUnlessGone(argv: string[], id: string): void {
    if (this.foster(argv).status === 0 || !this.listed().some((one) => one.id === id)) return;
    this.must(argv);
  }

  /** Every next command works, whatever has happened before, and nothing is left in the end. */
  async assertRecovers(what: string): Promise<void> {
    try {
      const listed = await this.assertTruth();
      // A janitor may still be removing one with --rm: then it is gone, which is right too.
      for (const { id } of listed) this.#mustUnlessGone(['inspect', id], id);
      for (const { id, state } of listed) {
        if (!ALIVE.includes(state)) this.#mustUnlessGone(['start', id], id);
      }
      await this.assertTruth();
      for (const { id } of listed) this.must(['rm', '-f', id]);
      await this.assertCleans();
    } catch (error) {
      if (error instanceof Error) error.message = `${what}: ${error.message}`;
      throw error;
    }
  }

  /** `foster prune` leaves nothing. */
  async assertCleans(): Promise<void> {
    this.must(['prune', '-f']);
    assert.deepEqual(this.listed(), []);
    await this.assertNothingLeft();
    assert.deepEqual(this.#temporaryFiles(), []);
  }

  #temporaryFiles(): string[] {
    const roots = join(this.folder, 'data/foster/roots');
    const code = join(this.folder, '.cache/foster/code');
    return [
      ...names(join(this.folder, 'data/foster')).filter((name) => name.includes('.new')),
      ...names(roots).filter((name) => name.startsWith('tmp-')),
      ...names(code).filter((name) => /\.\d+$/.test(name)),
    ];
  }
}

function names(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Pseudo-random numbers from 0 to 1, the same ones for the same seed (mulberry32's mixing). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
