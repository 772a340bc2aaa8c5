import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';

/** How long a container may take to end: Docker's and Podman's options, as commander returns them. */
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

/** Seconds; negative for no limit; undefined if neither option was given. */
export function timeoutOf({ time, timeout }: TimeoutFlags): number | undefined {
  return time ?? timeout;
}

function parseSeconds(flag: string, value: string): number {
  if (!/^(-1|\d{1,9})$/.test(value)) throw flagError(flag, value, 'expected a number of seconds, or -1');
  return Number(value);
}
