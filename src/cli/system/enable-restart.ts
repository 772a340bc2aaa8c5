import type { Command } from 'commander';
import { visible } from '../../spec/parse/flag.js';
import { addHelpAfter } from '../command.js';
import { print, warn } from '../output.js';

/** `foster system enable-restart`. */
export function configure(command: Command): void {
  command.description(
    'Have systemd start your containers with the restart policies always and unless-stopped after a reboot, and stop them before it.',
  );
  addHelpAfter(command, [
    "It installs the unit foster-restart.service, which runs 'foster system start' and 'foster",
    "system stop': of your own systemd, or of the system's if you are root. It is started now, too.",
    '',
    'Your own systemd starts at boot if you linger, and else when you log in:',
    '  loginctl enable-linger',
    '',
    'Examples:',
    '  foster system enable-restart',
    '  foster run -d --restart always --name web busybox httpd -f',
  ]);
  command.action(async () => {
    const { enableRestart } = await import('../../engine/boot.js');
    const [script = 'foster'] = process.argv.slice(1, 2);
    const { file, startsAt, user } = await enableRestart([process.execPath, script]);
    print(`${visible(file)}\n`);
    if (startsAt === 'login')
      warn(
        `your containers start when you log in, and end with your last session; for a start at boot: loginctl enable-linger ${visible(user)}`,
      );
  });
}
