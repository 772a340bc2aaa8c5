import type { PlanFacts } from '../../plan/facts.js';
import type { Spec } from '../../spec/types.js';

/** The protocol between foster and the helper that runs the container of a RUN (build-run-main.ts). */

/** The helper's descriptors, besides the container's own 0, 1 and 2. */
export const RUN_FD = {
  /** A RunOrder as JSON. */
  order: 3,
  /** Receives a RunReport as JSON if the container could not be started, and is closed when it runs. */
  report: 4,
} as const;

export interface RunOrder {
  /** Pid of foster: if the helper has another parent, foster has died. */
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
