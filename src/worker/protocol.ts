import type { ErrorKind } from '../sys/errors.js';

/** The protocol between foster (start-worker.ts) and its helper programs (run-worker.ts). */

/** Descriptors of every helper, after its standard input, output and error. */
export const WORKER_FD = {
  /** Delivers one byte when the ids are mapped. */
  control: 3,
  /** Receives one Outcome as JSON. */
  report: 4,
  /** A file with its Envelope as JSON. */
  order: 5,
  /** The first of its own descriptors. */
  files: 6,
} as const;

/** The input of a helper. `Order` is specific to each. */
export interface Envelope<Order> {
  order: Order;
  /** Pid of the process that started it. */
  parent: number;
  /** Name of the helper in messages: `the unpacker`. */
  title: string;
  /** undefined: it keeps its user, and has no user namespace of its own. */
  root: { canSetGroups: boolean } | undefined;
}

/** The report of a helper. */
export type Outcome<Result> = { done: Result } | Failure;

export interface Failure {
  /** A sentence. */
  error: string;
  advice?: string;
  kind?: ErrorKind;
  /** Name of the errno that caused it. */
  errno?: string;
}
