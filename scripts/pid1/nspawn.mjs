/**
 * The init of systemd-nspawn, which has a container of its own around it and needs root, measured as the others are: measure.mjs.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Measurement } from './measure.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));

/** @type {import('./measure.mjs').Init} */
export const NSPAWN = { name: 'systemd-nspawn --as-pid2', words: [] };

export const isInstalled = () => spawnSync('which', ['systemd-nspawn']).status === 0;

/** Runs programs in containers of systemd-nspawn, with its own PID 1. */
export class NspawnMeasurement extends Measurement {
  #root = rootOfHost();

  constructor() {
    super('systemd-nspawn', process.env);
    process.once('exit', () => rmSync(this.#root, { recursive: true, force: true }));
  }

  /** @override @param {unknown} _init @param {string[]} words @param {string[]} flags */
  line(_init, words, flags = []) {
    return [
      ...['--quiet', '--register=no', '--keep-unit', '--private-network', '--as-pid2', '-D', this.#root],
      ...['--bind-ro=/usr', `--bind-ro=${HERE}:/work`],
      `--console=${flags.includes('-t') ? 'interactive' : 'pipe'}`,
      '/work/probe.sh',
      ...words,
    ];
  }

  /**
   * systemd-nspawn does not pass signals on: they are sent to its PID 1.
   * @override @param {import('node:child_process').ChildProcess} child @param {NodeJS.Signals} name
   */
  signal(child, name) {
    const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
      .split(' ')
      .map(Number);
    if (first) process.kill(first, name);
  }

  /**
   * When systemd-nspawn is killed, what it runs stays.
   * @override @param {import('node:child_process').ChildProcess} child
   */
  end(child) {
    this.signal(child, 'SIGKILL');
  }
}

/** A root filesystem in which the host's programs are found. */
function rootOfHost() {
  const root = mkdtempSync(join(tmpdir(), 'foster-nspawn-'));
  for (const name of ['usr', 'proc', 'sys', 'dev', 'etc', 'tmp', 'run', 'work']) mkdirSync(join(root, name));
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
  for (const name of ['os-release', 'machine-id']) writeFileSync(join(root, 'etc', name), '');
  return root;
}
