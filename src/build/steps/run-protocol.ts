import type { PlanFacts } from '../../plan/facts.js';
import type { Spec } from '../../spec/types.js';

/** What foster and the program that runs the container of a RUN (build-run-main.ts) say to each other. */

/** Its descriptors, besides the container's own 0, 1 and 2. */
export const RUN_FD = {
  /** A RunOrder as JSON. */
  order: 3,
  /** Takes a RunReport as JSON where the container could not be started, and is closed when it runs. */
  report: 4,
} as const;

export interface RunOrder {
  /** Our pid: who has another parent by now has none to wait for it. */
  parent: number;
  spec: Spec;
  facts: Omit<PlanFacts, 'directories' | 'kernelPaths' | 'guarded'> & {
    guarded: string[];
    directories: string[];
    kernelPaths: [string, 'file' | 'directory'][];
  };
}

export interface RunReport {
  error: string;
  advice?: string;
}
