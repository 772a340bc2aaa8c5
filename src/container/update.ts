import type { Limits, RestartPolicy } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { containerFolder } from '../sys/paths.js';
import { changeRecord, withStoreLock } from './change.js';
import { writeRestart } from './create.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import { type Container, readContainer } from './store.js';

/** Changes of an existing container, which may be running. undefined means no change. */
export interface Update {
  restart?: RestartPolicy | undefined;
  stopSignal?: number | undefined;
  /** Seconds. */
  stopTimeout?: number | undefined;
  limits?: Limits | undefined;
}

/**
 * Changes a container.
 * @throws FosterError if it has --rm, because it can then not be restarted, or if limits cannot be enforced; then nothing is
 * changed
 */
export async function updateContainer({ record }: Container, update: Update): Promise<void> {
  const { id, name, rm } = record;
  const { restart, stopSignal, stopTimeout, limits } = update;
  if (rm && restart !== undefined && restart.policy !== 'no') {
    throw new FosterError(
      `container ${name} cannot have a restart policy: it is removed when it ends (--rm)`,
      { kind: 'conflict', exitCode: 1 },
    );
  }
  const change = limits && (await import('./update-limits.js'));
  withStoreLock(() => {
    const now = readContainer(id);
    if (now !== undefined && limits !== undefined && change !== undefined) {
      const changed = change.withLimits(now.record, limits);
      change.applyLimits(now, changed);
      changeRecord(id, () => changed);
    }
    if (stopSignal !== undefined || stopTimeout !== undefined) {
      changeRecord(id, (now) => ({
        ...now,
        stopSignal: stopSignal ?? now.stopSignal,
        stopTimeout: stopTimeout ?? now.stopTimeout,
      }));
    }
    if (readContainer(id) === undefined) return; // it has just been removed
    if (restart !== undefined) writeRestart(containerFolder(id), restart);
  });
  recordEvent('update', record, attributesOf(record));
}
