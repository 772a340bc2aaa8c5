import { chmodSync, closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tmux } from '../support/tmux.js';
import type { Attack } from './attack.js';
import { IMAGE } from './engine.js';
import type { Scene } from './scene.js';

/** The caller's terminal, and the files and pipes that he gives as standard input and output. */

function quoted(words: string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** A person at a terminal who uses the engine, and then types a secret. */
async function atTerminal(
  scene: Scene,
  args: string[],
  afterwards: (person: Tmux) => Promise<void>,
): Promise<void> {
  const person = new Tmux(scene.engine.home, { columns: 250, rows: 50 });
  try {
    await person.seesPrompt();
    person.types(`${quoted(scene.engine.words(args))}; echo en''ded`);
    await person.sees(/^ended$/m, 30_000);
    person.clears();
    await afterwards(person);
  } finally {
    person.leaves();
  }
}

/** A file of the caller's, given to the container as one of its descriptors. */
function file(scene: Scene, flags: string): { path: string; fd: number } {
  const path = join(scene.ground.folder, 'given');
  writeFileSync(path, 'of the caller\n', { mode: 0o644 });
  chmodSync(path, 0o644);
  scene.ground.guard();
  return { path, fd: openSync(path, flags) };
}

export const STREAMS: Attack[] = [
  {
    name: 'a file given as standard input is written over and made set-uid',
    aim: 'host write',
    by: 'process',
    flags: ['-i'],
    commit: async (scene) => {
      const { fd } = file(scene, 'r');
      await scene.shell(
        'echo EVIL > /proc/self/fd/0; chmod 4777 /proc/self/fd/0; chown 1:1 /proc/self/fd/0',
        {
          stdio: [fd, 'pipe', 'pipe'],
        },
      );
      closeSync(fd);
    },
  },
  {
    name: 'a folder given as standard input is walked through',
    aim: 'escape',
    by: 'process',
    flags: ['-i'],
    commit: async (scene) => {
      const fd = openSync(scene.ground.folder, 'r');
      await scene.shell('cat /proc/self/fd/0/victim; echo x > /proc/self/fd/0/new', {
        stdio: [fd, 'pipe', 'pipe'],
      });
      closeSync(fd);
    },
  },
  {
    name: 'the same by exec -i',
    aim: 'host write',
    by: 'process',
    commit: async (scene) => {
      const name = await scene.detach('sleep 100');
      const { fd } = file(scene, 'r');
      const script = 'echo EVIL > /proc/self/fd/0; chmod 4777 /proc/self/fd/0';
      await scene.command(['exec', '-i', name, 'sh', '-c', script], { stdio: [fd, 'pipe', 'pipe'] });
      closeSync(fd);
    },
  },
  {
    name: 'a file given as standard output is emptied, read and made set-uid',
    aim: 'host write',
    by: 'process',
    commit: async (scene) => {
      const path = join(scene.ground.work, 'log');
      writeFileSync(path, 'before\n', { mode: 0o644 });
      const fd = openSync(path, 'a+');
      await scene.shell('cat /proc/self/fd/1 > /was; chmod 4777 /proc/self/fd/1; : > /proc/self/fd/1', {
        stdio: ['ignore', fd, 'pipe'],
      });
      closeSync(fd);
      return !readFileSync(path, 'utf8').startsWith('before\n') || (statSync(path).mode & 0o7777) !== 0o644;
    },
  },
  {
    name: 'a file given as standard error by exec is emptied and made set-uid',
    aim: 'host write',
    by: 'process',
    commit: async (scene) => {
      const name = await scene.detach('sleep 100');
      const path = join(scene.ground.work, 'log');
      writeFileSync(path, 'before\n', { mode: 0o644 });
      const fd = openSync(path, 'a+');
      await scene.command(['exec', name, 'sh', '-c', 'chmod 4777 /proc/self/fd/2; : > /proc/self/fd/2'], {
        stdio: ['ignore', 'pipe', fd],
      });
      closeSync(fd);
      return !readFileSync(path, 'utf8').startsWith('before\n') || (statSync(path).mode & 0o7777) !== 0o644;
    },
  },
  {
    name: 'the terminal is kept by a program that exec has started, and read later',
    aim: 'leak',
    by: 'process',
    commit: async (scene) => {
      const name = await scene.detach('sleep 100');
      await atTerminal(scene, ['exec', name, 'attacker', 'listen'], async (person) => {
        for (let line = 0; line < 6; line++) {
          person.types(`: ${scene.ground.secret}`);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      });
      await scene.command(['exec', name, 'cat', '/heard']);
    },
  },
  {
    name: 'the same by exec -it',
    aim: 'leak',
    by: 'process',
    commit: async (scene) => {
      const name = await scene.detach('sleep 100');
      await atTerminal(scene, ['exec', '-it', name, 'attacker', 'listen'], async (person) => {
        for (let line = 0; line < 6; line++) {
          person.types(`: ${scene.ground.secret}`);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      });
      await scene.command(['exec', name, 'cat', '/heard']);
    },
  },
  ...[[], ['-it']].map(
    (flags): Attack => ({
      name: `a command is typed at the keyboard of the caller's terminal (TIOCSTI)${flags.length > 0 ? ', with -it' : ''}`,
      aim: 'escape',
      by: 'process',
      reference: 'CVE-2016-7545',
      flags: [...flags, '--security-opt', 'seccomp=unconfined'],
      commit: async (scene) => {
        const line = `\ntouch ${scene.ground.folder}/typed\n`;
        await atTerminal(
          scene,
          ['run', '--rm', ...scene.flags, IMAGE, 'attacker', 'type', line],
          async (person) => {
            person.types(`echo a''gain`);
            await person.sees(/^again$/m);
          },
        );
      },
    }),
  ),
];
