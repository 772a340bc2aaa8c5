import type { ErrorKind } from '../sys/errors.js';

/** What foster and its helper programs say to each other: start-worker.ts starts one, run-worker.ts is its own side. */

/** Descriptors of every helper, after its standard input, output and error. */
export const WORKER_FD = {
  /** Gives one byte as soon as the ids are mapped. */
  control: 3,
  /** Takes one Outcome as JSON. */
  report: 4,
  /** A file that holds its Envelope as JSON. */
  order: 5,
  /** The first of its own. */
  files: 6,
} as const;

/** What a helper is told. `Order` is its own. */
export interface Envelope<Order> {
  order: Order;
  /** Pid of the process that started it. */
  parent: number;
  /** What a sentence calls the helper: `the unpacker`. */
  title: string;
  /** undefined: it stays who it is, and has no user namespace of its own. */
  root: { canSetGroups: boolean } | undefined;
}

/** What became of it. */
export type Outcome<Result> = { done: Result } | Failure;

export interface Failure {
  /** A sentence. */
  error: string;
  advice?: string;
  kind?: ErrorKind;
  /** Name of the errno that is behind it. */
  errno?: string;
}
