import type { Command } from 'commander';
import type { Look, Snapshot } from '../../engine/watch.js';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { parseInterval } from '../interval.js';
import { print } from '../output.js';
import { penFor } from './draw-process-tree.js';

interface Options {
  once?: boolean;
  /** Milliseconds. */
  interval?: number;
  color: boolean;
  format?: string;
}

/** `foster watch`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Watch the processes of containers: the tree, zombies, and who adopts whom, as it happens.')
    .argument('[CONTAINER...]', 'names or ids (default: all running containers)')
    .option('-i, --interval <SECONDS>', 'seconds between two looks (default: 1)', parseInterval)
    .option('--once', 'print once and exit, as without a terminal')
    .option('--no-color', 'without colours, as with NO_COLOR')
    .option('--format <FORMAT>', 'json: a line for each look');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Keys: arrows or j and k select; s sends a signal, e starts a shell, l shows logs, x explains, i shows namespaces and',
    'cgroup, / filters, p pauses, ? helps, q quits.',
    '',
    'Examples:',
    '  foster watch',
    '  foster watch --interval 0.2 web',
    '  foster watch --once web           one picture, as plain text',
    '  foster watch --once --format json',
  ]);
  command.action(async (references: string[], options: Options) => {
    const { once = false, interval = 1000, color, format } = options;
    if (format !== undefined && format !== 'json') throw flagError('--format', format, 'expected json');
    const containers = references.length > 0 ? references : undefined;
    if (format === 'json') return await printJson(containers, interval, once);
    if (once || !isOnTerminal()) return await printOnce(containers);
    const { watchOnTerminal } = await import('../watch/app.js');
    await watchOnTerminal({ containers, interval, hasColour: color });
  });
}

/** Whether there is one that is drawn on, and one that keys come from. */
function isOnTerminal(): boolean {
  return process.stdout.isTTY === true && process.stdin.isTTY === true && process.env.TERM !== 'dumb';
}

async function printJson(containers: string[] | undefined, interval: number, once: boolean): Promise<void> {
  const { watch } = await import('../../engine/watch.js');
  let looks = 0;
  for await (const { snapshot, events } of watch({ containers, interval })) {
    looks++;
    if (once && looks === 1) continue; // the first one has no CPU shares
    print(`${JSON.stringify({ ...snapshot, events })}\n`);
    if (once) return;
  }
}

/** Two looks, because CPU shares are between them. */
async function printOnce(containers: string[] | undefined): Promise<void> {
  const { watch } = await import('../../engine/watch.js');
  let before: Look | undefined;
  for await (const look of watch({ containers })) {
    if (before !== undefined) return print(await picture(look.snapshot));
    before = look;
  }
}

/** A snapshot as plain text, with all rows in their whole length. */
async function picture(snapshot: Snapshot): Promise<string> {
  const { headingLine, rowLine, rowsOf } = await import('../watch/rows.js');
  const { plainText } = await import('../watch/line.js');
  const { detailLine } = await import('../watch/details.js');
  const style = { width: Number.POSITIVE_INFINITY, pen: penFor(process.env), isFiltered: false };
  const lines: string[] = [];
  for (const row of rowsOf(snapshot, '')) {
    lines.push(plainText(rowLine(row, style)));
    if (row.process === undefined && row.container.processes.length > 0)
      lines.push(await detailLine(row), plainText(headingLine(style.width)));
  }
  return lines.map((text) => `${text}\n`).join('');
}
