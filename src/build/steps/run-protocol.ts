import type { NetworkFiles } from '../../container/host-facts.js';
import type { PlanFacts } from '../../plan/facts.js';
import type { WantedNetwork } from '../../spec/request.js';
import type { Spec } from '../../spec/types.js';

/** The protocol between foster and the helper that runs the container of a RUN (build-run-main.ts). */

/** The helper's descriptors, besides the container's own 0, 1 and 2. */
export const RUN_FD = {
  /** A RunOrder as JSON. */
  order: 3,
  /** Receives a RunReport as JSON, a line each, and is closed when the container runs. */
  report: 4,
} as const;

export interface RunOrder {
  /** Pid of foster: if the helper has another parent, foster has died. */
  parent: number;
  /** The caller's environment and data folder, which say where networks are kept. */
  surroundings: { env: Record<string, string | undefined>; dataRoot: string | undefined };
  spec: Spec;
  /** The networks that the container is attached to. */
  networks: WantedNetwork[];
  /** What /etc/hosts and the like say. */
  files: NetworkFiles;
  facts: Omit<PlanFacts, 'directories' | 'kernelPaths' | 'guarded' | 'files'> & {
    guarded: string[];
    directories: string[];
    kernelPaths: [string, 'file' | 'directory'][];
  };
}

/** A warning, or why the container could not be started. */
export type RunReport = { warning: string } | { error: string; advice?: string };
