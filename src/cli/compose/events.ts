import type { Command } from 'commander';
import { parseInstant } from '../../spec/parse/instants.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { existingOf } from './options.js';

interface EventsFlags {
  json?: boolean;
  since?: string;
  until?: string;
}

/** `foster compose events`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Print what happens to the containers of a project.')
    .argument('[SERVICE...]', 'only the containers of these services')
    .option('--json', 'print a JSON object for each event')
    .option('--since <TIME>', 'begin with events since TIME: 2026-11-24T15:00:00Z, or 10m')
    .option('--until <TIME>', 'end at TIME');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose events', '  foster compose events --json web']);
  command.action(async (services: string[], flags: EventsFlags) => {
    const existing = await existingOf(command);
    const { eventsOf } = await import('../../engine/compose/events.js');
    const now = Date.now();
    const milliseconds = (flag: string, text: string | undefined) =>
      text === undefined ? undefined : Number(parseInstant(flag, text, now) / 1_000_000n);
    const range = {
      since: milliseconds('--since', flags.since),
      until: milliseconds('--until', flags.until),
    };
    for await (const { time, action, id, service, attributes } of eventsOf(existing.name, services, range)) {
      const when = new Date(time).toISOString();
      const pairs = Object.entries(attributes)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ');
      print(
        flags.json
          ? `${JSON.stringify({ time: when, type: 'container', service, id, action, attributes })}\n`
          : `${when} container ${action} ${id} (${pairs})\n`,
      );
    }
  });
}
