import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';

/** How long a container may take to end, in Docker's words and in Podman's, as commander leaves it. */
export interface TimeoutFlags {
  time?: number;
  timeout?: number;
}

/** Gives a command `-t, --time` and `--timeout`. */
export function addTimeout(command: Command, description: string): Command {
  return command
    .option('-t, --time <SECONDS>', description, (value) => parseSeconds('--time', value))
    .option('--timeout <SECONDS>', 'same as --time', (value) => parseSeconds('--timeout', value));
}

/** Seconds, negative for no end; undefined where nothing was said. */
export function timeoutOf({ time, timeout }: TimeoutFlags): number | undefined {
  return time ?? timeout;
}

function parseSeconds(flag: string, value: string): number {
  if (!/^(-1|\d{1,9})$/.test(value)) throw flagError(flag, value, 'expected a number of seconds, or -1');
  return Number(value);
}
