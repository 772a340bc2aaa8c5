import type { Command } from 'commander';
import { visible } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';

/** `foster system disable-restart`. */
export function configure(command: Command): void {
  command.description(
    'Remove the unit of foster system enable-restart: containers are not started after a reboot any more.',
  );
  addHelpAfter(command, ['Containers that run go on.', '', 'Examples:', '  foster system disable-restart']);
  command.action(async () => {
    const { disableRestart } = await import('../../engine/boot.js');
    const file = await disableRestart();
    if (file === undefined)
      throw new FosterError("it is not enabled: 'foster system enable-restart' does that", {
        kind: 'not-found',
        exitCode: 1,
      });
    print(`${visible(file)}\n`);
  });
}
