import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOSTER, type Home } from '../support/foster.js';
import { BUSYBOX_LAYER, dockerArchive } from '../support/image-archive.js';
import { compile } from '../support/probe.js';
import type { TestMember } from '../support/tar.js';
import { DEADLINE } from '../support/wait.js';

export interface CommandOptions {
  input?: Uint8Array | string;
  stdio?: StdioOptions;
  env?: Record<string, string>;
  cwd?: string;
  /** Looks at it while it runs, as soon as it has said this; and ends it. */
  when?: { says: string; look: () => void | Promise<void> };
}

export interface CommandResult {
  status: number | null;
  output: string;
  isTooLate: boolean;
}

/** Milliseconds after which a command is killed: some are slow on a busy machine, and others would never end. */
const PATIENCE = 2 * DEADLINE;

/** The image that attackers start from. */
export const IMAGE = 'localhost/attack:1';

/** A container runtime with a command line like Docker's. */
export class Engine {
  readonly #program: string;
  readonly #always: string[];
  readonly #run: string[];
  readonly #build: string[];
  readonly env: NodeJS.ProcessEnv;

  private constructor(
    readonly name: 'foster' | 'podman',
    readonly home: Home,
    /** The program of attacker.c. */
    readonly attacker: string,
    how: { program: string; always?: string[]; run?: string[]; build?: string[] },
  ) {
    this.#program = how.program;
    this.#always = how.always ?? [];
    this.#run = how.run ?? [];
    this.#build = how.build ?? [];
    this.env = { ...home.env, FOSTER_ATTACK_HOST: 'the-environment-of-the-host' };
  }

  /** With the attacker's image loaded. */
  static async foster(home: Home, program = FOSTER): Promise<Engine> {
    return await new Engine('foster', home, compile(home, 'attacker'), { program }).#prepare();
  }

  /**
   * Rootless podman with crun, without what needs more of a machine than the attacks do: cgroups, a network. Its RUN is
   * isolated by a chroot, since all else needs a network.
   */
  static async podman(home: Home): Promise<Engine> {
    const place = join(home.folder, 'podman');
    mkdirSync(place, { recursive: true });
    const always = [
      ...['--runtime=crun', '--cgroup-manager=cgroupfs', '--events-backend=file', '--log-level=error'],
      ...['--storage-driver=overlay', `--root=${place}/root`, `--runroot=${place}/run`],
    ];
    const how = {
      program: 'podman',
      always,
      run: ['--cgroups=disabled', '--network=none', '--log-driver=k8s-file'],
      build: ['--isolation=chroot'],
    };
    return await new Engine('podman', home, compile(home, 'attacker'), how).#prepare();
  }

  async #prepare(): Promise<Engine> {
    await this.load([], { Cmd: ['sh'] }, IMAGE);
    return this;
  }

  /** The words of a command line. */
  words(args: string[]): string[] {
    const [verb = '', ...rest] = args;
    const extra = verb === 'run' || verb === 'create' ? this.#run : verb === 'build' ? this.#build : [];
    return [this.#program, ...this.#always, verb, ...extra, ...rest];
  }

  begin(args: string[], options: CommandOptions = {}): ChildProcess {
    const [program = '', ...words] = this.words(args);
    return spawn(program, words, {
      env: { ...this.env, ...options.env },
      cwd: options.cwd,
      stdio: options.stdio ?? ['pipe', 'pipe', 'pipe'],
    });
  }

  /** A command from start to end, with all that it prints. */
  async command(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
    const child = this.begin(args, options);
    let output = '';
    let isTooLate = false;
    let looked: Promise<void> | undefined;
    const { when } = options;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('latin1').on('data', (text: string) => {
        if (output.length < 64 << 20) output += text;
        if (when === undefined || looked !== undefined || !output.includes(when.says)) return;
        looked = Promise.resolve(when.look());
      });
    }
    child.stdin?.on('error', () => {}); // its reader is gone
    child.stdin?.end(options.input ?? '');
    const timer = setTimeout(() => {
      isTooLate = true;
      child.kill('SIGKILL');
    }, PATIENCE);
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject).on('close', resolve);
    });
    clearTimeout(timer);
    await looked;
    return { status, output, isTooLate };
  }

  /** What a container has printed; '' while there is none. Attacks wait for that: a command would take a start of Node each time. */
  async log(container: string): Promise<string> {
    if (this.name !== 'foster') return (await this.command(['logs', container])).output;
    const { Foster } = await import('../support/library.js');
    let text = '';
    try {
      for await (const { data } of new Foster({ env: this.env }).logs(container))
        text += data.toString('latin1');
    } catch {
      // it is not there yet
    }
    return text;
  }

  /** An image of busybox, the attacker and layers of the attack's own. Returns whether it was taken. */
  async load(
    layers: (TestMember[] | Buffer)[],
    config: Record<string, unknown>,
    name: string,
  ): Promise<CommandResult> {
    const archive = dockerArchive({ names: [name], layers: [this.#base(), ...layers], config });
    return await this.command(['load'], { input: archive });
  }

  #base(): TestMember[] {
    const content = readFileSync(this.attacker);
    const passwd = 'root:x:0:0:root:/:/bin/sh\n';
    return [
      ...BUSYBOX_LAYER,
      ...'chmod cut dd grep head kill mkfifo mknod mount ps readlink setsid sync tail test umount unshare wait wc'
        .split(' ')
        .map((applet) => ({ name: `bin/${applet}`, type: '2', target: 'busybox' })),
      { name: 'bin/attacker', content, mode: 0o755 },
      { name: 'etc/', type: '5', mode: 0o755 },
      { name: 'etc/passwd', content: passwd },
      { name: 'tmp/', type: '5', mode: 0o1777 },
      { name: 'w/', type: '5', mode: 0o755 },
    ];
  }
}

/** Removes what podman has, and ends its process that keeps the user's namespaces. */
export function endPodman(engine: Engine): void {
  const folder = join(engine.home.folder, 'podman');
  for (const args of [
    ['rm', '-af', '-t', '0'],
    ['unshare', 'rm', '-rf', folder],
    ['system', 'migrate'],
  ]) {
    const [program = '', ...words] = engine.words(args);
    spawnSync(program, words, { env: engine.env, stdio: 'ignore', timeout: DEADLINE });
  }
}
