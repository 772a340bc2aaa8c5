/**
 * What inits do as PID 1 of a container, measured: each behaviour is a container in which the init runs a program (probe.sh). Used by
 * scripts/pid1-table.mjs, which writes the table of docs/pid1.md, and by the test that repeats the measurement.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * The inits: how each is written in front of a program. `own` is foster's, which needs no words.
 * @typedef {{ name: string, words: string[], own?: true, program?: string, flags?: string[] }} Init
 * @type {Init[]}
 */
export const INITS = [
  { name: 'none', words: [] },
  { name: 'foster-init', words: [], own: true },
  { name: 'foster-init, signal group', words: [], own: true, flags: ['--init-signal-group'] },
  { name: 'tini', words: ['tini', '--'], program: 'tini' },
  { name: 'tini -w', words: ['tini', '-w', '--'], program: 'tini' },
  { name: 'tini -g', words: ['tini', '-g', '--'], program: 'tini' },
  { name: 'tini -s', words: ['tini', '-s', '--'], program: 'tini' },
  { name: 'dumb-init', words: ['dumb-init', '--'], program: 'dumb-init' },
  { name: 'dumb-init -c', words: ['dumb-init', '-c', '--'], program: 'dumb-init' },
  { name: 'catatonit', words: ['catatonit', '--'], program: 'catatonit' },
  { name: 'catatonit -g', words: ['catatonit', '-g', '--'], program: 'catatonit' },
  { name: 's6-svscan', words: ['/work/s6.sh'], program: 's6-svscan' },
];

/** A busybox with the host's programs, and no network. */
const ROOT = [
  '--network',
  'none',
  '-v',
  `${HERE}:/work:ro`,
  '-v',
  '/usr:/usr:ro',
  '-v',
  '/lib:/lib:ro',
  '-v',
  '/lib64:/lib64:ro',
];

/** Milliseconds after which a container counts as hanging; a probe may take half a minute on a machine that is slow and busy. */
const LIMIT = 180_000;

/** Runs programs under inits. */
export class Measurement {
  /** @param {string} foster the command @param {NodeJS.ProcessEnv} env */
  constructor(foster, env) {
    this.foster = foster;
    this.env = env;
  }

  /** Whether its program is installed. @param {Init} init */
  isThere({ program }) {
    return program === undefined || spawnSync('which', [program]).status === 0;
  }

  /**
   * The words of `foster run` for a program under an init.
   * @param {Init} init @param {string[]} words @param {string[]} flags
   */
  line(init, words, flags = []) {
    const own = [init.own ? '--init' : '--no-init', ...(init.flags ?? [])];
    return ['run', '--rm', ...own, ...flags, ...ROOT, 'busybox', ...init.words, '/work/probe.sh', ...words];
  }

  /**
   * As `line`, but the init is a child of PID 1, a shell, which then runs another program.
   * @param {Init} init @param {string[]} words @param {string[]} after
   */
  below(init, words, after) {
    const script = `"$@"; ${after.join(' ')}`;
    const program = [...init.words, '/work/probe.sh', ...words];
    return ['run', '--rm', '--no-init', ...ROOT, 'busybox', 'sh', '-c', script, 'sh', ...program];
  }

  /** Runs a program in the background, and waits for its end. @param {Init} init @param {string[]} words */
  background(init, words) {
    const [, , ...line] = this.line(init, words);
    const call = (/** @type {string[]} */ ...args) =>
      spawnSync(this.foster, args, { env: this.env, encoding: 'utf8', timeout: LIMIT }).stdout.trim();
    const id = call('run', '-d', ...line);
    const code = Number(call('wait', id));
    call('rm', '-f', id);
    return { code };
  }

  /**
   * Sends a signal to PID 1.
   * @param {import('node:child_process').ChildProcess} child the command @param {NodeJS.Signals} name
   */
  signal(child, name) {
    child.kill(name);
  }

  /** Kills all. @param {import('node:child_process').ChildProcess} child the command */
  end(child) {
    child.kill('SIGKILL');
  }

  /**
   * Runs a program and reacts to the lines that it prints.
   * @param {Init} init
   * @param {string[]} words of probe.sh
   * @param {{ on?: Record<string, NodeJS.Signals>, flags?: string[], last?: RegExp, line?: string[], env?: NodeJS.ProcessEnv }} options
   * signals to PID 1 when a line appears; the line after which nothing more is of interest
   * @returns {Promise<{ lines: string[], code: number | null }>} the code is null if it was killed for want of an end
   */
  async run(
    init,
    words,
    { on = {}, flags = [], last, line = this.line(init, words, flags), env = this.env } = {},
  ) {
    const child = spawn(this.foster, line, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const limit = setTimeout(() => this.end(child), LIMIT);
    let text = '';
    let seen = 0;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (/** @type {string} */ piece) => {
        text += piece;
        const lines = text.split(/\r?\n/).slice(0, -1);
        for (; seen < lines.length; seen++) {
          const signal = on[lines[seen] ?? ''];
          if (signal !== undefined) this.signal(child, signal);
          if (last?.test(lines[seen] ?? '')) this.end(child);
        }
      });
    const code = await new Promise((resolve) => child.on('close', resolve));
    clearTimeout(limit);
    return { lines: text.split(/\r?\n/).filter(Boolean), code: /** @type {number | null} */ (code) };
  }
}

/**
 * The behaviours: a column of the table each. `of` returns a word for the table.
 * @type {{ name: string, title: string, of: (m: Measurement, init: Init) => Promise<string> }[]}
 */
export const BEHAVIOURS = [
  {
    name: 'exit codes',
    title: 'the exit code of the program is that of the container',
    // 133 asks systemd-nspawn to start again
    of: async (m, init) => await codes(m, init, [0, 42, 133, 255]),
  },
  {
    name: 'killed by N',
    title: 'a program that signal N has killed ends the container with 128 + N',
    of: async (m, init) => {
      const { code } = await m.run(init, ['signal', '9']);
      // the kernel protects PID 1 from its own SIGKILL
      return code === 137 ? '128 + N' : code === 0 ? 'no effect' : `exit code ${code}`;
    },
  },
  {
    name: 'SIGTERM, handler',
    title: 'SIGTERM to PID 1 reaches a program that has a handler for it',
    of: async (m, init) => {
      const { lines, code } = await m.run(init, ['handler'], { on: { up: 'SIGTERM' } });
      return lines.includes('handled') ? (code === 5 ? 'arrives' : `arrives, exit code ${code}`) : 'lost';
    },
  },
  {
    name: 'SIGTERM, early',
    title:
      'SIGTERM that comes to PID 1 while it starts the program reaches that, before it has a handler for it',
    of: async (m, init) => await isEarlyKept(m, init),
  },
  {
    name: 'SIGTERM, no handler',
    title: 'SIGTERM to PID 1 ends a program that has no handler for it',
    of: async (m, init) => await endsBySignal(m, init),
  },
  {
    name: 'zombies of 20',
    title: 'how many of 20 orphans remain as zombies when they have ended',
    of: async (m, init) => {
      const { lines } = await m.run(init, ['orphans'], { last: /^zombies/ });
      return lines.find((line) => line.startsWith('zombies'))?.split(' ')[1] ?? '?';
    },
  },
  {
    name: 'signal to',
    title: 'who gets a signal to PID 1: only the program, or its whole process group',
    of: async (m, init) => {
      const { lines } = await m.run(init, ['group'], { on: { up: 'SIGTERM' } });
      return lines.find((line) => line === 'group' || line === 'program') ?? 'nobody';
    },
  },
  {
    name: 'others are told',
    title:
      'processes that outlive the program get SIGTERM before they are killed: those of its process group, and those of other sessions',
    of: async (m, init) => {
      const [group, session] = [await isTold(m, init, 'group'), await isTold(m, init, 'session')];
      const who = group ? (session ? 'all' : 'its group') : session ? 'other sessions' : 'no';
      // when PID 1 has ended, the kernel kills them at once
      return who === 'no' || init.own ? who : `${who}, no time`;
    },
  },
  {
    name: 'stopped',
    title: 'a program that is stopped is not taken for one that has ended',
    of: async (m, init) => {
      // in the foreground, foster run would stop with its program, as a job of a shell does
      const { code } = init.own ? m.background(init, ['stopped']) : await m.run(init, ['stopped']);
      return code === 7 ? 'goes on' : `exit code ${code}`;
    },
  },
  {
    name: 'terminal',
    title: 'with -t, the program is in the foreground of the terminal',
    of: async (m, init) => {
      const { lines } = await m.run(init, ['terminal'], { flags: ['-t'] });
      return lines.find((line) => /^(fore|back)ground$/.test(line)) ?? '?';
    },
  },
  {
    name: 'adopts if not PID 1',
    title: 'it adopts orphans where it is not PID 1',
    of: async (m, init) => await adopts(m, init),
  },
];

/** @param {Measurement} m @param {Init} init @param {number[]} wanted */
async function codes(m, init, wanted) {
  for (const code of wanted) {
    const result = await m.run(init, ['exit', String(code)]);
    if (result.code !== code) return `${code} becomes ${result.code}`;
  }
  return 'kept';
}

/** All 256 exit codes: for the table, not for its test. @param {Measurement} m @param {Init} init */
export async function allCodes(m, init) {
  return await codes(
    m,
    init,
    Array.from({ length: 256 }, (_, code) => code),
  );
}

/**
 * Options of strace(1) that send a signal to an init when it starts a process, and that keep this process for three tenths of a second at each
 * step on the way to its program: so it is always in the middle of that when the signal is passed on.
 */
const AT_START = [
  ...['-f', '-e', 'inject=clone,clone3,fork,vfork:signal=SIGTERM:when=1'],
  ...['-e', 'inject=rt_sigprocmask,setsid,setpgid,execve:delay_enter=300000'],
];

/**
 * What becomes of a SIGTERM that comes when an init is about to start the program. strace sends it: as a descendant of the init, which is
 * PID 1 all the same, or to foster-init, as `foster explain --strace` attaches it.
 * @param {Measurement} m @param {Init} init
 */
async function isEarlyKept(m, init) {
  // s6-svscan starts a supervisor, and that the program
  if ((init.words.length === 0 && !init.own) || init.program === 's6-svscan') return '-';
  const { code } = init.own
    ? await m.run(init, ['early'], { flags: ['--explain'], env: tracedEnvironment(m) })
    : await m.run(init, [], { line: m.line(traced(init), ['early']) });
  return code === 0 ? 'lost' : code === 143 ? 'arrives' : `exit code ${code}`;
}

/** @param {Init} init @returns {Init} */
function traced(init) {
  return { ...init, words: ['strace', '-D', '-qq', '-o', '/dev/null', ...AT_START, ...init.words] };
}

/** The environment in which foster has PID 1 traced by a strace that sends the signal. @param {Measurement} m */
function tracedEnvironment({ env }) {
  const folder = mkdtempSync(join(tmpdir(), 'foster-pid1-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const strace = spawnSync('which', ['strace'], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(join(folder, 'strace'), `#!/bin/sh\nexec ${strace} ${AT_START.join(' ')} "$@"\n`, {
    mode: 0o755,
  });
  return { ...env, PATH: `${folder}:${env.PATH}`, FOSTER_STRACE: join(folder, 'trace') };
}

/** Whether SIGTERM ends the container, or it goes on to its own end. @param {Measurement} m @param {Init} init */
async function endsBySignal(m, init) {
  const isWithout = init.words.length === 0 && !init.own;
  // where no init could take the signal, nobody needs time for that
  const { code } = await m.run(init, ['plain', isWithout ? '5' : '100'], { on: { up: 'SIGTERM' } });
  return code === 0 ? 'deaf' : `ends, ${code}`;
}

/**
 * Whether a process that outlives the program gets SIGTERM. An init that ends right after sending it kills what it has told; so it is not
 * PID 1 here, but below a shell that looks.
 * @param {Measurement} m @param {Init} init @param {string} where
 */
async function isTold(m, init, where) {
  // foster-init gives it time, which is to be enough on a slow machine, too
  const flags = init.own ? ['--stop-timeout', '150'] : [];
  if (init.words.length === 0)
    return (await m.run(init, ['remaining', where], { flags })).lines.includes('told');
  const { lines } = await m.run(init, [], {
    line: m.below(init, ['remaining', where], ['/work/probe.sh', 'look']),
  });
  return lines.includes('told');
}

/** @param {Measurement} m @param {Init} init */
async function adopts(m, init) {
  if (init.words.length === 0 && !init.own) return '-';
  if (init.program === 's6-svscan') return '-';
  const line = init.own ? m.line(init, ['adopter'], ['--pid', 'host']) : m.below(init, ['adopter'], ['true']);
  const { lines } = await m.run(init, [], { line });
  const adopter = lines.find((each) => each.startsWith('adopter '))?.slice('adopter '.length);
  return adopter === (init.own ? 'foster-init' : init.program) ? 'yes' : 'no';
}
