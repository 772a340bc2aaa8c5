import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Attack, hasControlCharacters } from './attack.js';

/** Names and texts of a container in the engine's output and files. */

const EVIL = '\x1b]0;evil\x07\x1b[2J';

export const PRINTED_TEXT: Attack[] = [
  {
    name: 'control characters in process names, in top, stats and events',
    aim: 'confusion',
    by: 'process',
    commit: async (attempt) => {
      const script = `cp /bin/busybox "/w/$(printf '\\033[2Jx')"; cd /w; (PATH=/w "./$(printf '\\033[2Jx')" sleep 1000 &)
        printf '\\033]0;ev\\007' > /proc/self/comm; (sh -c 'printf "\\033[2J\\nx 1 die" > /proc/self/comm; sleep 0.1' &); echo holding; sleep 1000`;
      const name = await attempt.detach(script);
      await attempt.says(name, 'holding');
      await new Promise((resolve) => setTimeout(resolve, 300));
      for (const command of [
        ['top', name],
        ['stats', '--no-stream', name],
        ['ps', '-a', '--no-trunc'],
      ])
        if (hasControlCharacters((await attempt.command(command)).output)) return true;
      return false;
    },
  },
  {
    name: "forging lines of the events file, by an orphan's name and by labels",
    aim: 'confusion',
    by: 'process',
    fosterOnly: 'the file is of foster',
    commit: async (attempt) => {
      const script = `(sh -c 'printf "x\\n1 die fake" > /proc/self/comm; : > /named' &)
        until [ -e /named ]; do sleep 0.05; done; while grep -qs fake /proc/[0-9]*/comm; do sleep 0.05; done; echo holding; sleep 1000`;
      const name = await attempt.detach(script, [
        '--label',
        `a=b\n1 die fake fake${EVIL}`,
        '--label',
        `c${EVIL}=d`,
      ]);
      await attempt.says(name, 'holding');
      await attempt.command(['rm', '-f', name]);
      const events = readFileSync(join(attempt.engine.home.folder, 'data/foster/events'), 'latin1');
      return events.split('\n').some((line) => /^1 die/.test(line)) || hasControlCharacters(events);
    },
  },
  {
    name: 'control characters in ps, inspect and events: command, variables, labels',
    aim: 'confusion',
    by: 'process',
    commit: async (attempt) => {
      const name = await attempt.detach(`: ${EVIL}; sleep 1000`, ['-e', `E=${EVIL}`, '--label', `l=${EVIL}`]);
      const commands = [
        ['ps', '-a', '--no-trunc'],
        ['inspect', name],
        ['inspect', '--format', '{{.Config.Labels}}', name],
        ['events', '--since', '1h', '--until', '0s', '--filter', `container=${name}`],
        ['top', name],
      ];
      for (const command of commands)
        if (hasControlCharacters((await attempt.command(command)).output)) return true;
      return false;
    },
  },
  {
    name: 'control characters in the name of a program that cannot be run',
    aim: 'confusion',
    by: 'image',
    commit: async (attempt) => {
      const image = await attempt.image([], { Cmd: [`/no${EVIL}such`], WorkingDir: `/w${EVIL}` });
      if (image === undefined) return hasControlCharacters(attempt.output);
      const { output } = await attempt.command(['run', '--rm', image]);
      const explained =
        attempt.engine.name === 'foster'
          ? (await attempt.command(['run', '--rm', '--explain', image])).output
          : '';
      return hasControlCharacters(output) || hasControlCharacters(explained);
    },
  },
  {
    name: 'an orphan whose name is an escape sequence, with --init-verbose',
    aim: 'confusion',
    by: 'process',
    fosterOnly: 'the flag is of foster',
    flags: ['--init-verbose'],
    commit: async (attempt) => {
      const script = `(sh -c 'printf "\\033]0;ev\\007" > /proc/self/comm; sleep 0.3' &); sleep 0.8`;
      return hasControlCharacters((await attempt.shell(script)).output);
    },
  },
];
