import type { Failure } from './check.js';

/** What the process that probes is told, as JSON on its standard input. */
export interface ProbeOrder {
  /** The names of checks of one group. */
  names: string[];
  /** The caller's. */
  env: Record<string, string | undefined>;
  dataRoot?: string;
  storageDriver?: string;
}

/** A line of what it answers, as JSON on its standard output: one for each check, as soon as there is an answer. */
export type ProbeAnswer = { name: string; facts: unknown } | { name: string; failure: Failure };

/** Checks of the group `reads` that may wait for a dead file system at the same time. */
export const MOST_WAITING = 64;
