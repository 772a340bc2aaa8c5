import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Home, type Options, type Result } from './foster.js';
import { waitUntil } from './wait.js';

/** For tests of what foster does without Node: src/init/front. */

/** What foster says if it is left to Node and there is none. */
export const NO_NODE = /^foster: cannot find node in PATH/;

/** What a process sees of itself, without what differs from process to process. */
export function withoutNumbers(text: string): string {
  return text
    .replace(
      /^(State|Pid|Tgid|Ngid|PPid|NSpid|NStgid|NSpgid|NSsid|Vm\w+|Rss\w+|Hugetlb\w+|Threads|SigQ|\w*ctxt_switches|StaBrk|Brk|StaStk):.*$/gm,
      '$1',
    )
    .replace(/pipe:\[\d+\]/g, 'pipe')
    .replace(/\/proc\/\d+\/fd/g, '/proc/PID/fd')
    .replace(/^.* -> (?=\S+$)/gm, '-> ');
}

/** Changes some bytes of a file. */
export function change(path: string, edit: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  edit(bytes);
  writeFileSync(path, bytes);
}

/** What differs from run to run. */
export function normalized(text: string): string {
  return withoutNumbers(text)
    .replace(/\b[0-9a-f]{64}\b/g, 'ID')
    .replace(/@if\d+/g, '@if') // the other end of a link
    .replace(/\b(?=[0-9a-f]*[0-9])[0-9a-f]{12}\b/g, 'SHORT')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/ [A-Z][a-z]{2} +\d+ +\d\d:\d\d /g, ' DATE ');
}

/** Prints all that a process sees of itself. */
export const EVERYTHING = [
  'cat /proc/self/status',
  "sed 's/^[0-9]* [0-9]* [0-9:]* //' /proc/self/mountinfo",
  'cat /proc/self/limits',
  'cat /proc/self/cgroup',
  'cat /proc/self/oom_score_adj /proc/self/uid_map /proc/self/gid_map',
  "for one in /proc/self/ns/*; do readlink $one | sed 's/[0-9]*//g'; done",
  'ls -l /proc/self/fd',
  'ls -ld / /etc /etc/mtab /dev/shm /tmp; ls -l /dev',
  'cat /etc/hosts /etc/hostname /etc/resolv.conf /proc/self/personality',
  'env; pwd; id; umask; ulimit -a; hostname; tty',
  // not what PID 1 blocks: nothing while it waits for signals, everything while it handles one
  'cat /proc/1/status /proc/1/comm /proc/1/oom_score_adj | grep -v -e Pid -e SigBlk',
  'echo error >&2; cat; exit 3',
].join('; ');

/** ROOT and a command that does. */
export const ALL = ['busybox', 'sh', '-c', EVERYTHING];

/** A home with a PATH in which Node can be missing, and everything else is: a template depends on PATH. */
export class FrontHome extends Home {
  readonly programs = join(this.folder, 'bin');
  /** The environment of those who call foster. */
  readonly callers = { PATH: this.programs, LANG: 'C.UTF-8', OF_CALLER: 'mine' };

  constructor(programs: readonly string[] = []) {
    super();
    mkdirSync(this.programs);
    symlinkSync(process.execPath, join(this.programs, 'node'));
    for (const name of ['newuidmap', 'newgidmap', 'busybox', 'fuse-overlayfs', ...programs]) {
      const path = [`/usr/bin/${name}`, `/usr/sbin/${name}`].find(existsSync);
      if (path !== undefined) symlinkSync(path, join(this.programs, name));
    }
  }

  byNode(args: string[], options: Options = {}): Result {
    return this.byAny(args, { ...options, env: { ...options.env, FOSTER_NO_FRONT: '1' } });
  }

  /** Whoever can do it. */
  byAny(args: string[], options: Options = {}): Result {
    const env = { ...this.callers, ...options.env };
    return this.foster(args, { cwd: this.shared, ...options, env });
  }

  /** Node cannot be found, so what works has been done by the front. */
  byFront(args: string[], options: Options = {}): Result {
    const putBack = this.takeNodeAway();
    try {
      return this.byAny(args, options);
    } finally {
      putBack();
    }
  }

  /** As `byFront`, for a container that has just ended: its monitor may hold its lock for a moment, and then it would be Node's. */
  async byFrontSoon(args: string[], options: Options = {}): Promise<Result> {
    let result = this.byFront(args, options);
    await waitUntil('the front does it', () => {
      if (NO_NODE.test(result.stderr)) result = this.byFront(args, options);
      return !NO_NODE.test(result.stderr);
    });
    return result;
  }

  /** Returns a function that puts it back. */
  takeNodeAway(): () => void {
    const node = join(this.programs, 'node');
    renameSync(node, `${node}.away`);
    return () => renameSync(`${node}.away`, node);
  }

  /** Whether the front does it. */
  isFronted(args: string[], options: Options = {}): boolean {
    return !NO_NODE.test(this.byFront(args, options).stderr);
  }

  /** What the last container has left in the events file, without its time. */
  lastEvents(): string {
    const lines = readFileSync(join(this.folder, 'data/foster/events'), 'utf8').trimEnd().split('\n');
    const id = lines.at(-1)?.split(' ')[2] ?? '';
    const own = lines.map((line) => line.split(' ').slice(1)).filter(([, one]) => one === id);
    const name = own[0]?.[2] ?? '';
    return own.map((words) => words.join(' ').replace(id, 'ID').replace(` ${name}`, ' NAME')).join('\n');
  }
}
