import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { ContainerInfo } from '../../../src/engine/index.js';
import { FOSTER, type Home, type Result, Running } from './foster.js';
import { waitUntil } from './wait.js';

/** Containers in the background, by their names.
 *
 *     const containers = new Containers(home);
 *     containers.detach('web', 'httpd -f');
 *     assert.equal(containers.status('web'), 'running');
 */
export class Containers {
  readonly #home: Home;

  constructor(home: Home) {
    this.#home = home;
  }

  /** `foster run -d --name NAME FLAGS busybox sh -c SCRIPT`. Returns the id. */
  detach(name: string, script: string, flags: string[] = []): string {
    const result = this.#home.run(['-d', '--name', name, ...flags, 'busybox', 'sh', '-c', script]);
    assert.equal(result.status, 0, result.stderr);
    return result.stdout.trim();
  }

  /** Runs a foster command that must succeed. Returns its output. */
  ok(...args: string[]): string {
    const result = this.#home.foster(args);
    assert.equal(result.status, 0, `foster ${args.join(' ')}: ${result.status} ${result.stderr}`);
    return result.stdout;
  }

  inspect(name: string, format: string): string {
    return this.ok('inspect', '-f', format, name).trim();
  }

  status(name: string): string {
    return this.inspect(name, '{{.State.Status}}');
  }

  async waitFor(name: string, status: string): Promise<void> {
    await this.until(`container ${name} is ${status}`, name, (info) => info.status === status);
  }

  /** Waits until there is such a container, as the library shows it: that takes no start of Node each time. */
  async until(
    what: string,
    name: string,
    isSo: (info: ContainerInfo) => boolean | Promise<boolean>,
  ): Promise<ContainerInfo> {
    const foster = await this.#library();
    return await waitUntil(what, async () => {
      const info = await foster.inspect(name).catch((error) => {
        if (error?.kind !== 'not-found') throw error;
      });
      return info !== undefined && (await isSo(info)) ? info : undefined;
    });
  }

  /** Waits until its log contains `text`, by asking the library. Returns the standard output in it. */
  async logs(name: string, text: string | RegExp): Promise<string> {
    const foster = await this.#library();
    return await waitUntil(`the log of ${name} contains ${text}`, async () => {
      let log = '';
      for await (const { stream, data } of foster.logs(name)) if (stream === 'stdout') log += data.toString();
      return (typeof text === 'string' ? log.includes(text) : text.test(log)) ? log : undefined;
    });
  }

  async #library() {
    const { Foster } = await import('./library.js'); // large, and only some tests need it
    return new Foster({ env: this.#home.env });
  }

  /** The current log. */
  log(name: string): string {
    return this.ok('logs', name);
  }

  pid(name: string): number {
    return Number(this.inspect(name, '{{.State.Pid}}'));
  }

  /** Pid of the monitor: the parent of PID 1. */
  monitor(name: string): number {
    return parentOf(this.pid(name));
  }

  folder(id: string): string {
    return join(this.#home.folder, 'data/foster/containers', id);
  }

  /** Starts a foster command. */
  begin(args: string[], stdin?: 'ignore'): Running {
    const child = spawn(FOSTER, args, { env: this.#home.env, stdio: ['pipe', 'pipe', 'pipe'] });
    if (stdin === 'ignore') child.stdin.end();
    return new Running(child as ChildProcessByStdio<Writable, Readable, Readable>);
  }

  /** Runs a foster command while the test continues. */
  async run(args: string[], input?: Buffer): Promise<Result> {
    const running = this.begin(args);
    running.child.stdin.end(input ?? '');
    return await running.ended;
  }

  /** The lines of the events file about a container: `ACTION [KEY=VALUE ...]`. */
  events(id: string): string[] {
    return readFileSync(join(this.#home.folder, 'data/foster/events'), 'utf8')
      .split('\n')
      .filter((line) => line.split(' ')[2] === id)
      .map((line) => {
        const [, action = '', , , ...attributes] = line.split(' ');
        return [action, ...attributes].join(' ');
      });
  }

  /** Removes all with `foster rm -f`, if there are any: most tests call this at their end. */
  removeAll(): void {
    const folder = this.folder('');
    const ids = existsSync(folder) ? readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name)) : [];
    if (ids.length > 0) this.ok('rm', '-f', ...ids);
  }
}

export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** The targets of a process's descriptors. */
export function descriptorsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(join(folder, fd))}`];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** Private dirty memory of a process, in KiB. */
export function privateSize(pid: number): number {
  return Number(/^Private_Dirty:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}

/** Proportional set size of a process, in KiB. */
export function proportionalSize(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}
