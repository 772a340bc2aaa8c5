import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ExecRequest } from '../container/exec.js';
import { type ErrorKind, FosterError } from '../sys/errors.js';
import { surroundings } from '../sys/surroundings.js';

/**
 * Work that needs a separate process: `exec`, because the process that joins a container becomes its own monitor; and
 * `copy`, because it blocks.
 */
export interface OwnProcessOrder {
  /** Surroundings.dataRoot */
  dataRoot: string | undefined;
  work: OwnProcessWork;
}

export type OwnProcessWork =
  | { kind: 'exec'; container: string; request: ExecRequest }
  | { kind: 'copy'; order: CopyOrder };

/** A copy between a container and the host, or between containers. */
export interface CopyOrder {
  /** `in`: from the host to the container. `between`: from the container to another one. */
  direction: 'in' | 'out' | 'between';
  container: string;
  /** With `between`: where the files go. */
  other?: string | undefined;
  /** A path of the host or of the container, as `direction` says. */
  source: string;
  destination: string;
  /** Keep the ids of users and groups. */
  archive: boolean;
  /** If the source is a symbolic link, copy what it points to. */
  followLink: boolean;
  /** A directory can replace another file, and the other way round. */
  overwrite: boolean;
}

/** The descriptor for its reports, each a line of JSON. It is closed when the process becomes something else. */
export const OWN_PROCESS_REPORT = 3;

export interface OwnProcessReport {
  warning?: string;
  /** The error message, if the work failed. */
  message?: string;
  advice?: string | undefined;
  exitCode?: number | undefined;
  kind?: ErrorKind | undefined;
}

/** The process, and its failure if there is one. */
export interface OwnProcess {
  child: ChildProcess;
  failure: Promise<FosterError | undefined>;
}

/** @param stdio its standard streams */
export function startOwnProcess(
  work: OwnProcessWork,
  stdio: [StdioOptions[0], StdioOptions[0], StdioOptions[0]] | 'inherit',
): OwnProcess {
  const { env, warn, storageDriver, dataRoot } = surroundings();
  const order: OwnProcessOrder = { dataRoot, work };
  const streams = stdio === 'inherit' ? ['inherit' as const, 'inherit' as const, 'inherit' as const] : stdio;
  const child = spawn(process.execPath, [join(__dirname, 'own-process-main.cjs'), JSON.stringify(order)], {
    stdio: [...streams, 'pipe'] as StdioOptions,
    env: { ...env, ...(storageDriver !== undefined && { FOSTER_STORAGE_DRIVER: storageDriver }) },
    detached: stdio !== 'inherit',
  });
  return { child, failure: failureOf(child.stdio[OWN_PROCESS_REPORT] as Readable, warn) };
}

async function failureOf(
  reports: Readable,
  warn: (sentence: string) => void,
): Promise<FosterError | undefined> {
  let text = '';
  for await (const piece of reports.setEncoding('utf8')) text += piece;
  let failure: FosterError | undefined;
  for (const line of text.split('\n').filter(Boolean)) {
    const { warning, message, advice, exitCode, kind } = JSON.parse(line) as OwnProcessReport;
    if (warning !== undefined) warn(warning);
    if (message === undefined) continue;
    failure = new FosterError(message, {
      ...(advice !== undefined && { advice }),
      ...(exitCode !== undefined && { exitCode }),
      ...(kind !== undefined && { kind }),
    });
  }
  return failure;
}
