import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FOSTER, type Home } from './foster.js';
import { type Process, waitForProcess } from './processes.js';
import { DEADLINE, waitUntil } from './wait.js';

/** The prompt of the shell in a `Tmux`. */
export const PROMPT = 'caller$';

/**
 * A terminal with a user: an interactive bash in tmux, with the command `foster`.
 *
 *     const person = new Tmux(home);
 *     await person.types('foster run --rm -it busybox sh');
 *     await person.sees('/ #');
 */
export class Tmux {
  static #count = 0;
  readonly #socket: string;
  readonly #home: Home;

  constructor(home: Home, size: { columns: number; rows: number } = { columns: 100, rows: 30 }) {
    this.#home = home;
    this.#socket = join(home.folder, `tmux-${Tmux.#count++}`);
    const bin = join(home.folder, 'bin');
    mkdirSync(bin, { recursive: true });
    rmSync(join(bin, 'foster'), { force: true });
    symlinkSync(FOSTER, join(bin, 'foster'));
    const shell = `exec env PATH=${bin}:$PATH PS1='${PROMPT} ' bash --norc --noprofile -i`;
    const { columns, rows } = size;
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows), shell);
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], { env: this.#home.env, encoding: 'utf8' });
  }

  /** Types a line, including Enter. */
  types(line: string): void {
    this.#tmux('send-keys', '-l', line);
    this.presses('Enter');
  }

  /** Types text, without Enter. */
  writes(text: string): void {
    this.#tmux('send-keys', '-l', text);
  }

  /** Presses keys by tmux's names: `C-c`, `Escape`, `i`. */
  presses(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  /** Resizes the window. */
  resizes(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** The screen, without trailing blanks. */
  screen(): string {
    return this.#tmux('capture-pane', '-p')
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd();
  }

  /** Waits until the screen matches. */
  async sees(wanted: RegExp | string, deadline = DEADLINE): Promise<string> {
    const matches = () => {
      const screen = this.screen();
      const isSeen = typeof wanted === 'string' ? screen.includes(wanted) : wanted.test(screen);
      return isSeen ? screen : undefined;
    };
    try {
      return await waitUntil('', matches, deadline);
    } catch {
      throw new Error(`the screen does not show ${wanted}, but:\n${this.screen()}`);
    }
  }

  /** Waits for the prompt below everything else. */
  async seesPrompt(): Promise<string> {
    return await this.sees(/caller\$$/);
  }

  /** Pid of the shell. */
  get pid(): number {
    return Number(this.#tmux('display-message', '-p', '#{pane_pid}'));
  }

  /** Waits until the shell or one of its descendants runs a program with that name. */
  async runs(name: string): Promise<Process> {
    return await waitForProcess(name, this.pid);
  }

  clears(): void {
    this.#tmux('send-keys', '-R');
    this.#tmux('clear-history');
  }

  leaves(): void {
    try {
      this.#tmux('kill-server');
    } catch {
      // it has ended by itself
    }
  }
}
