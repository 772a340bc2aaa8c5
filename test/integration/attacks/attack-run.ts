import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, descendants } from '../support/processes.js';
import type { TestMember } from '../support/tar.js';
import { waitUntil } from '../support/wait.js';
import type { Attack } from './attack.js';
import { type CommandOptions, type CommandResult, type Engine, IMAGE } from './engine.js';
import { GuardedHost } from './guarded-host.js';

/** One run of an attack against an engine: its tools, and everything that it revealed. */
export class AttackRun {
  readonly host = new GuardedHost();
  /** A marker to find its processes and containers from outside. */
  readonly token = `attack${randomBytes(6).toString('hex')}`;
  #output = '';
  readonly #names: string[] = [];
  #images = 0;

  constructor(
    readonly engine: Engine,
    readonly flags: string[],
  ) {}

  get output(): string {
    return this.#output;
  }

  /** Everything that users or accomplices of the attacker can see. */
  reveal(text: string): void {
    this.#output += text;
  }

  /** Runs a command of the engine. */
  async command(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
    const result = await this.engine.command(args, options);
    this.reveal(result.output);
    return result;
  }

  /** Runs a script in a new container. */
  async shell(script: string, options: CommandOptions & { flags?: string[]; image?: string } = {}) {
    return await this.run(['sh', '-c', script, this.token], options);
  }

  async run(argv: string[], options: CommandOptions & { flags?: string[]; image?: string } = {}) {
    const { flags = [], image = IMAGE } = options;
    return await this.command(['run', '--rm', ...this.flags, ...flags, image, ...argv], options);
  }

  /** Starts a script in a container in the background. Returns its name. */
  async detach(script: string, flags: string[] = [], image = IMAGE): Promise<string> {
    const name = `${this.token}-${this.#names.length}`;
    this.#names.push(name);
    const args = [
      'run',
      '-d',
      '--name',
      name,
      ...this.flags,
      ...flags,
      image,
      'sh',
      '-c',
      script,
      this.token,
    ];
    await this.command(args, { stdio: ['ignore', 'ignore', 'ignore'] });
    return name;
  }

  /** Waits until the log of a container contains a text: an attack that has not begun would show nothing. */
  async says(name: string, text: string): Promise<void> {
    await waitUntil(`the attacker says ${text}`, async () => (await this.engine.log(name)).includes(text));
  }

  /** Loads an image with the attack's own layers and config. Returns its name, or undefined if it was refused. */
  async image(
    layers: (TestMember[] | Buffer)[],
    config: Record<string, unknown> = {},
  ): Promise<string | undefined> {
    const name = `localhost/${this.token}:${this.#images++}`;
    const { status, output } = await this.engine.load(layers, { Cmd: ['sh'], ...config }, name);
    this.reveal(output);
    return status === 0 ? name : undefined;
  }

  /** Runs `attacker take WHAT`. Returns whether it succeeded, as seen from outside. */
  async takes(what: string[], isHeld: (pid: number) => boolean, flags: string[] = []): Promise<boolean> {
    let held = false;
    const look = () => {
      held = this.processes().some(isHeld);
      this.#kill();
    };
    const argv = ['attacker', 'take', ...what, ...(what.length === 1 ? ['-'] : []), this.token];
    await this.run(argv, { flags, when: { says: 'holding', look } });
    return held;
  }

  /** The host's pids of all processes in containers of this attack. */
  processes(): number[] {
    return descendants()
      .map(({ pid }) => pid)
      .filter((pid) => {
        const words = commandLine(pid).split('\0').slice(0, -1);
        return words.at(-1) === this.token && (words[0] === 'sh' || words[0] === 'attacker');
      });
  }

  /** Kills its processes, and so its containers. */
  #kill(): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it has just ended, or is not ours
      }
    }
  }

  /** Its images go with all others when the home is removed: they are in nobody's way. */
  async close(): Promise<void> {
    this.#kill();
    if (this.#names.length > 0) await this.engine.command(['rm', '-f', ...this.#names]);
    this.host.close();
  }
}

export interface Outcome {
  attack: Attack;
  /** The effects on the host; none if the attack failed. */
  losses: string[];
}

/** Runs an attack, and determines its effects. */
export async function runAttack(attack: Attack, engine: Engine, extra: string[] = []): Promise<Outcome> {
  const attempt = new AttackRun(engine, [...(attack.flags ?? []), ...extra]);
  try {
    await attempt.host.open();
    const hasWon = await attack.commit(attempt);
    const losses = attempt.host.losses(attempt.output);
    if (hasWon === true) losses.push('seen from outside, it has what it wanted');
    return { attack, losses };
  } finally {
    await attempt.close();
  }
}

/** Whether a process has a descriptor whose target matches. */
export function holds(target: RegExp): (pid: number) => boolean {
  return (pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) =>
        target.test(readlinkSync(join(`/proc/${pid}/fd`, fd))),
      );
    } catch {
      return false;
    }
  };
}

/** The mounts of a process: mount point, root within the file system, type, source. */
export function mountsOf(pid: number): { place: string; root: string; type: string; source: string }[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , , root = '', place = ''] = before.split(' ');
      const [type = '', source = ''] = after.split(' ');
      return { place, root, type, source };
    });
}
