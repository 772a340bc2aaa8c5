import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FOSTER, type Home, type Options, type Result, Running } from './foster.js';

/** A folder with the files of a project, and `foster compose` in it.
 *
 *     const app = new ComposeProject(home, 'app', { 'compose.yaml': 'services: ...' });
 *     app.ok('up', '-d');
 */
export class ComposeProject {
  readonly folder: string;

  constructor(
    readonly home: Home,
    readonly name: string,
    files: Record<string, string>,
  ) {
    this.folder = join(home.folder, 'projects', name);
    this.write(files);
  }

  /** Adds or changes files: contents by name. */
  write(files: Record<string, string>): void {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  }

  run(args: string[], options: Options = {}): Result {
    return this.home.foster(['compose', ...args], { cwd: this.folder, ...options });
  }

  /** Runs a command that must succeed. Returns its output. */
  ok(...args: string[]): string {
    const { status, stdout, stderr } = this.run(args);
    assert.equal(status, 0, `foster compose ${args.join(' ')}: ${status} ${stderr}`);
    return stdout;
  }

  /** Starts a command. */
  begin(args: string[]): Running {
    const child = spawn(FOSTER, ['compose', ...args], {
      cwd: this.folder,
      env: this.home.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return new Running(child);
  }

  /** The containers, by name: their state, and a part of their id. */
  containers(): Map<string, { id: string; state: string; health: string; exitCode: number }> {
    const lines = this.ok('ps', '-a', '--format', 'json').trim().split('\n').filter(Boolean);
    return new Map(
      lines.map((line) => {
        const { Name, ID, State, Health, ExitCode } = JSON.parse(line) as Record<string, string>;
        return [
          Name ?? '',
          { id: ID ?? '', state: State ?? '', health: Health ?? '', exitCode: Number(ExitCode) },
        ];
      }),
    );
  }

  /** The states of the containers, by name. */
  states(): Record<string, string> {
    return Object.fromEntries([...this.containers()].map(([name, { state }]) => [name, state]));
  }

  /** The ids of the containers, by name. */
  ids(): Record<string, string> {
    return Object.fromEntries([...this.containers()].map(([name, { id }]) => [name, id]));
  }
}
