import type { RestartPolicy } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { containerFolder } from '../sys/paths.js';
import { changeRecord, withStoreLock } from './change.js';
import { writeRestart } from './create.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import { type Container, readContainer } from './store.js';

/** What can be changed of a container that exists, also while it runs; undefined stays as it is. */
export interface Update {
  restart?: RestartPolicy | undefined;
  stopSignal?: number | undefined;
  /** Seconds. */
  stopTimeout?: number | undefined;
}

/**
 * Changes a container.
 * @throws FosterError when it is one that is removed at its end, which cannot be started again
 */
export function updateContainer({ record }: Container, update: Update): void {
  const { id, name, rm } = record;
  const { restart, stopSignal, stopTimeout } = update;
  if (rm && restart !== undefined && restart.policy !== 'no') {
    throw new FosterError(
      `container ${name} cannot have a restart policy: it is removed when it ends (--rm)`,
      { kind: 'conflict', exitCode: 1 },
    );
  }
  withStoreLock(() => {
    if (stopSignal !== undefined || stopTimeout !== undefined) {
      changeRecord(id, (now) => ({
        ...now,
        stopSignal: stopSignal ?? now.stopSignal,
        stopTimeout: stopTimeout ?? now.stopTimeout,
      }));
    }
    if (readContainer(id) === undefined) return; // removed just now: there is nothing to change any more
    if (restart !== undefined) writeRestart(containerFolder(id), restart);
  });
  recordEvent('update', record, attributesOf(record));
}
