import { rmSync } from 'node:fs';
import { parseName } from '../spec/names.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { nameLink } from '../sys/paths.js';
import { changeRecord, withStoreLock } from './change.js';
import { takeFreedName } from './create.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import { type Container, idOfName, isAlive, readContainer } from './store.js';

/**
 * Gives a container another name.
 * @throws FosterError when the name is taken, or cannot be one
 */
export function renameContainer({ record }: Container, wanted: string): void {
  const { id } = record;
  parseName(wanted);
  const old = withStoreLock(() => {
    const container = readContainer(id);
    const before = container?.record.name ?? record.name;
    if (before === wanted) {
      throw new FosterError(`container ${id.slice(0, 12)} has the name '${wanted}' already`, {
        kind: 'conflict',
        exitCode: 1,
      });
    }
    // Killed between any two of these: the record says what the name is, and "foster prune" clears the other away.
    takeFreedName(wanted, id);
    faultPoint('new name taken');
    try {
      changeRecord(id, (now) => ({ ...now, name: wanted }));
    } catch (error) {
      rmSync(nameLink(wanted), { force: true });
      throw error;
    }
    // The monitor of a container started with --rm will remove the old name: nobody else's, so it stays taken till then.
    const isKept = container !== undefined && record.rm && isAlive(container.state);
    if (!isKept && idOfName(before) === id) rmSync(nameLink(before), { force: true });
    faultPoint('old name given up');
    return before;
  });
  recordEvent('rename', { id, name: wanted }, { ...attributesOf(record), oldName: old });
}
