import type { Command } from 'commander';
import { parseDuration } from '../../spec/parse/duration.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { print } from '../output.js';
import { orReport } from './each.js';
import { addSelection, chosenContainers, type SelectionFlags } from './selection.js';

interface WaitFlags extends SelectionFlags {
  condition?: string[];
  interval?: number;
}

/** `foster wait`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Wait until containers exit, and print their exit codes.')
    .option('--condition <STATUS>', 'wait for this status instead: running, paused, exited ...', collect)
    .option('-i, --interval <TIME>', 'with --condition: time between two checks (default: 250ms)', (value) =>
      parseDuration('--interval', /^\d+$/.test(value) ? `${value}ms` : value),
    );
  addSelection(command, ['-l, --latest']);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'A container that its restart policy will start again counts as running. For a',
    'stopped container, the exit code is printed at once; for one that has none, -1.',
    '',
    'Examples:',
    '  foster wait job                   its exit code, once it has exited',
    '  foster wait $(foster ps -q)       one per line, in this order',
    '  foster wait --condition running --condition exited job',
  ]);
  command.action(async (references: string[], flags: WaitFlags) => {
    const containers = await chosenContainers(command, references, flags);
    const engine = await import('../../engine/containers.js');
    const { condition, interval } = flags;
    const statuses = condition?.flatMap((one) => one.split(','));
    if (statuses !== undefined) await engine.checkStatuses(statuses);
    const wait = (container: string) =>
      statuses === undefined ? engine.wait(container) : engine.waitForStatus(container, statuses, interval);
    // Waits for all from the start: one may be gone by the time another one ends.
    const codes = containers.map(wait);
    for (const code of codes) code.catch(() => {}); // reported below, when its turn comes
    for (const code of codes) await orReport(async () => print(`${(await code) ?? -1}\n`));
  });
}
