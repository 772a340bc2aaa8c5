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
 * @throws FosterError if the name is taken or invalid
 */
export function renameContainer({ record }: Container, wanted: string): void {
  const { id } = record;
  parseName(wanted, 'container name');
  const old = withStoreLock(() => {
    const container = readContainer(id);
    const before = container?.record.name ?? record.name;
    if (before === wanted) {
      throw new FosterError(`container ${id.slice(0, 12)} has the name '${wanted}' already`, {
        kind: 'conflict',
        exitCode: 1,
      });
    }
    // If this is killed in between, the record has the valid name, and "foster prune" removes the other one.
    takeFreedName(wanted, id);
    faultPoint('new name taken');
    try {
      changeRecord(id, (now) => ({ ...now, name: wanted }));
    } catch (error) {
      rmSync(nameLink(wanted), { force: true });
      throw error;
    }
    // The monitor of a container with --rm will remove the old name, so no other container may take it until then.
    const isKept = container !== undefined && record.rm && isAlive(container.state);
    if (!isKept && idOfName(before) === id) rmSync(nameLink(before), { force: true });
    faultPoint('old name given up');
    return before;
  });
  recordEvent('rename', { id, name: wanted }, { ...attributesOf(record), oldName: old });
}
