import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FOSTER, Home, type Result } from './foster.js';
import { Foster } from './library.js';
import { allProcesses, descendants, type Process, reap } from './processes.js';
import { DEADLINE, waitUntil } from './wait.js';

/** A container as `foster ps -a` lists it. */
export interface ListedContainer {
  id: string;
  name: string;
  state: string;
  /** The host's pid of its PID 1; 0 if it has none. */
  pid: number;
}

const ALIVE = ['running', 'paused', 'restarting'];

/**
 * A home for crash tests: compares foster's list of containers with the actual processes, and checks that pruning leaves
 * nothing behind. It asks the library: these tests do so often that Node would take longer to start than to answer.
 */
export class CrashHome extends Home {
  readonly #commands = new Set<number>();
  /** For what tests do often: a command takes a start of Node. */
  readonly library: InstanceType<typeof Foster>;

  constructor() {
    super();
    this.env.XDG_CACHE_HOME = join(this.folder, '.cache'); // not that of other tests: nothing may be left in it
    this.library = new Foster({ env: this.env });
  }

  /** Runs a foster command in the background. */
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

  /** Fails if foster reports an internal error. Returns the result. */
  sane(result: Result, what: string): Result {
    assert.doesNotMatch(result.stderr, /unexpected error|^\s+at /m, `${what}: ${result.stderr}`);
    assert.notEqual(result.status, null, `${what} was killed by ${result.signal}`);
    return result;
  }

  /** Runs a foster command that must succeed. */
  must(args: string[], env: Record<string, string> = {}): string {
    const result = this.sane(this.foster(args, { env }), args.join(' '));
    assert.equal(result.status, 0, `foster ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  /** All containers. */
  async listed(): Promise<ListedContainer[]> {
    const all = await this.library.list();
    return all.map(({ id, name, status, pid }) => ({ id, name, state: status, pid }));
  }

  /** Waits until the list agrees with the processes: a monitor and PID 1 for each running container. */
  async assertTruth(): Promise<ListedContainer[]> {
    let listed: ListedContainer[] = [];
    let last = '';
    const isTrue = async () => {
      listed = await this.listed();
      const alive = listed.filter(({ state }) => ALIVE.includes(state));
      const all = allProcesses();
      const processes = descendants(process.pid, all);
      const hasOrphans = this.#buryOrphans(all, processes);
      const monitors = processes.filter(({ name }) => name === 'foster-monitor').length;
      const pids = alive.filter(({ state }) => state === 'running').map(({ pid }) => pid);
      last = JSON.stringify({ listed, monitors, pids, processes });
      return (
        !hasOrphans &&
        monitors === alive.length &&
        pids.every((pid) => processes.some((process) => process.pid === pid))
      );
    };
    await waitUntil('', isTrue).catch(() => assert.fail(`the list of containers is not true: ${last}`));
    return listed;
  }

  /**
   * Reaps orphans as the machine's init would: a PID namespace ends only when all its processes are reaped, including
   * those about to join it. Returns whether some are still alive.
   */
  #buryOrphans(all: Process[], living: Process[]): boolean {
    for (const { pid, parent, state } of all) {
      if (parent === process.pid && state === 'Z' && !this.#commands.has(pid)) reap(pid);
    }
    return living.some(({ name, parent }) => name === 'foster-init' && parent === process.pid);
  }

  /** Asks for something that must be possible unless the container has disappeared. */
  async #mustUnlessGone(ask: () => Promise<unknown>, id: string): Promise<void> {
    try {
      await ask();
    } catch {
      if ((await this.listed()).some((one) => one.id === id)) await ask();
    }
  }

  /** Checks that containers can be inspected, started and removed, whatever has happened before, and that nothing is left. */
  async assertRecovers(what: string): Promise<void> {
    try {
      const listed = await this.assertTruth();
      // A janitor may still be removing one with --rm, which may disappear meanwhile.
      for (const { id } of listed) await this.#mustUnlessGone(() => this.library.inspect(id), id);
      for (const { id, state } of listed) {
        if (!ALIVE.includes(state)) await this.#mustUnlessGone(async () => this.must(['start', id]), id);
      }
      await this.assertTruth();
      for (const { id } of listed)
        await this.#mustUnlessGone(() => this.library.remove(id, { force: true }), id);
      await this.assertCleans();
    } catch (error) {
      if (error instanceof Error) error.message = `${what}: ${error.message}`;
      throw error;
    }
  }

  /** Checks that pruning leaves nothing behind. */
  async assertCleans(): Promise<void> {
    await this.library.prune();
    assert.deepEqual(await this.listed(), []);
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

/** What prepares a run: a command, or what does the same without a start of Node. */
type Preparation = string[] | { words: string[]; byLibrary: () => Promise<unknown> };

/** A command to kill at each of its fault points. */
export interface Walk {
  before?: Preparation[];
  args: string[];
  /** The least number of fault points that there must be, so that none is lost. */
  least: number;
  /** Added to the environment of the command. */
  env?: Record<string, string>;
  /** The steps at which it is killed; by default all. Others have tests of their own. */
  only?: RegExp;
}

/** Describes a walk in the title of a test. */
export function titleOf({ before = [], args, env = {} }: Walk): string {
  const commands = before.map((one) => (Array.isArray(one) ? one : one.words));
  const line = [...commands, args].map((words) => words.slice(0, 3).join(' ')).join(', then ');
  const names = Object.keys(env).map((name) => `, with ${name}`);
  return `SIGKILL at each step of: ${line}${names.join('')}`;
}

/**
 * Runs a command to its end, then again for each of its fault points, where it is killed.
 * @param recover checks that foster works after each run, and removes what is left
 */
export async function killAtEachStep(
  home: CrashHome,
  { before = [], args, least, env = {}, only }: Walk,
  recover: (what: string) => Promise<void>,
): Promise<void> {
  const prepare = async () => {
    for (const one of before) {
      if (Array.isArray(one)) home.must(one);
      else await one.byLibrary();
    }
  };
  if (args[0] === 'run' || args[1] === 'start') {
    // The first one is Node's, and leaves a template; from then on all take the same steps.
    await prepare();
    home.sane(home.foster(args, { env }), args.join(' '));
    await recover('before');
  }
  await prepare();
  const { stderr } = home.sane(home.foster(args, { env: { ...env, FOSTER_FAULT: 'count' } }), args.join(' '));
  const steps = [...stderr.matchAll(/^fault point \d+: (.*)$/gm)].map(([, step]) => step);
  await recover('without a fault');
  const wanted = [...steps.entries()].filter(([, step]) => only === undefined || only.test(step ?? ''));
  assert.ok(wanted.length >= least, `only ${wanted.length} fault points: ${steps.join(', ')}`);
  for (const [index, step] of wanted) {
    for (let attempt = 0; ; attempt++) {
      await prepare();
      const { signal } = home.foster(args, { env: { ...env, FOSTER_FAULT: String(index + 1) } });
      await recover(`killed when: ${step}`);
      if (signal === 'SIGKILL') break;
      // On a busy machine, the front may find the lock of something taken that has just ended, and leave it to Node, whose steps are others.
      assert.ok(attempt < 5, `it was not killed when: ${step}`);
    }
  }
}

function names(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Pseudo-random numbers from 0 to 1, reproducible for each seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
