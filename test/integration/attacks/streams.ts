import { chmodSync, closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tmux } from '../support/tmux.js';
import type { Attack } from './attack.js';
import type { AttackRun } from './attack-run.js';
import { IMAGE } from './engine.js';

/** The caller's terminal, and files and pipes given as standard input and output. */

function quoted(words: string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** A user at a terminal who runs the engine, and then types a secret. */
async function atTerminal(
  attempt: AttackRun,
  args: string[],
  afterwards: (person: Tmux) => Promise<void>,
): Promise<void> {
  const person = new Tmux(attempt.engine.home, { columns: 250, rows: 50 });
  try {
    await person.seesPrompt();
    person.types(`${quoted(attempt.engine.words(args))}; echo en''ded`);
    await person.sees(/^ended$/m);
    person.clears();
    await afterwards(person);
  } finally {
    person.leaves();
  }
}

/** A file of the caller, passed to the container as a descriptor. */
function file(attempt: AttackRun, flags: string): { path: string; fd: number } {
  const path = join(attempt.host.folder, 'given');
  writeFileSync(path, 'of the caller\n', { mode: 0o644 });
  chmodSync(path, 0o644);
  attempt.host.guard();
  return { path, fd: openSync(path, flags) };
}

export const STREAMS: Attack[] = [
  {
    name: 'overwriting a file that is standard input, and making it set-user-ID',
    aim: 'host write',
    by: 'process',
    flags: ['-i'],
    commit: async (attempt) => {
      const { fd } = file(attempt, 'r');
      await attempt.shell(
        'echo EVIL > /proc/self/fd/0; chmod 4777 /proc/self/fd/0; chown 1:1 /proc/self/fd/0',
        {
          stdio: [fd, 'pipe', 'pipe'],
        },
      );
      closeSync(fd);
    },
  },
  {
    name: 'leaving through a folder that is standard input',
    aim: 'escape',
    by: 'process',
    flags: ['-i'],
    commit: async (attempt) => {
      const fd = openSync(attempt.host.folder, 'r');
      await attempt.shell('cat /proc/self/fd/0/victim; echo x > /proc/self/fd/0/new', {
        stdio: [fd, 'pipe', 'pipe'],
      });
      closeSync(fd);
    },
  },
  {
    name: 'overwriting a file that is standard input of exec',
    aim: 'host write',
    by: 'process',
    commit: async (attempt) => {
      const name = await attempt.detach('sleep 1000');
      const { fd } = file(attempt, 'r');
      const script = 'echo EVIL > /proc/self/fd/0; chmod 4777 /proc/self/fd/0';
      await attempt.command(['exec', '-i', name, 'sh', '-c', script], { stdio: [fd, 'pipe', 'pipe'] });
      closeSync(fd);
    },
  },
  {
    name: 'truncating and reading a file that is standard output, and making it set-user-ID',
    aim: 'host write',
    by: 'process',
    commit: async (attempt) => {
      const path = join(attempt.host.work, 'log');
      writeFileSync(path, 'before\n', { mode: 0o644 });
      const fd = openSync(path, 'a+');
      await attempt.shell('cat /proc/self/fd/1 > /was; chmod 4777 /proc/self/fd/1; : > /proc/self/fd/1', {
        stdio: ['ignore', fd, 'pipe'],
      });
      closeSync(fd);
      return !readFileSync(path, 'utf8').startsWith('before\n') || (statSync(path).mode & 0o7777) !== 0o644;
    },
  },
  {
    name: 'truncating a file that is standard error of exec, and making it set-user-ID',
    aim: 'host write',
    by: 'process',
    commit: async (attempt) => {
      const name = await attempt.detach('sleep 1000');
      const path = join(attempt.host.work, 'log');
      writeFileSync(path, 'before\n', { mode: 0o644 });
      const fd = openSync(path, 'a+');
      await attempt.command(['exec', name, 'sh', '-c', 'chmod 4777 /proc/self/fd/2; : > /proc/self/fd/2'], {
        stdio: ['ignore', 'pipe', fd],
      });
      closeSync(fd);
      return !readFileSync(path, 'utf8').startsWith('before\n') || (statSync(path).mode & 0o7777) !== 0o644;
    },
  },
  {
    name: 'keeping the terminal of the caller of exec, and reading it later',
    aim: 'leak',
    by: 'process',
    commit: async (attempt) => {
      const name = await attempt.detach('sleep 1000');
      await atTerminal(attempt, ['exec', name, 'attacker', 'listen'], async (person) => {
        for (let line = 0; line < 6; line++) {
          person.types(`: ${attempt.host.secret}`);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      });
      await attempt.command(['exec', name, 'cat', '/heard']);
    },
  },
  {
    name: 'keeping the terminal of exec -it, and reading it later',
    aim: 'leak',
    by: 'process',
    commit: async (attempt) => {
      const name = await attempt.detach('sleep 1000');
      await atTerminal(attempt, ['exec', '-it', name, 'attacker', 'listen'], async (person) => {
        for (let line = 0; line < 6; line++) {
          person.types(`: ${attempt.host.secret}`);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      });
      await attempt.command(['exec', name, 'cat', '/heard']);
    },
  },
  ...[[], ['-it']].map(
    (flags): Attack => ({
      name: `typing a command on the caller's terminal (TIOCSTI)${flags.length > 0 ? ', with -it' : ''}`,
      aim: 'escape',
      by: 'process',
      reference: 'CVE-2016-7545',
      flags: [...flags, '--security-opt', 'seccomp=unconfined'],
      commit: async (attempt) => {
        const line = `\ntouch ${attempt.host.folder}/typed\n`;
        await atTerminal(
          attempt,
          ['run', '--rm', ...attempt.flags, IMAGE, 'attacker', 'type', line],
          async (person) => {
            person.types(`echo a''gain`);
            await person.sees(/^again$/m);
          },
        );
      },
    }),
  ),
];
