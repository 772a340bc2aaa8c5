import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply, difference } from '../../../src/view/patch.js';
import { emptyScene, type ProcessRow, type Scene } from '../../../src/view/scene.js';

function process(hostPid: number, more: Partial<ProcessRow> = {}): ProcessRow {
  return {
    ...{ container: 'c', hostPid, start: hostPid, parent: 1, name: 'sleep', command: 'sleep 1', state: 'S' },
    ...{ threads: 1, cpu: 0, memory: 1000, ...more },
  };
}

function scene(...processes: ProcessRow[]): Scene {
  return { ...emptyScene(), processes: new Map(processes.map((row) => [`${row.hostPid}`, row])) };
}

/** As it comes to a page. */
function sent<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

test('only what has changed is sent', () => {
  const before = scene(process(1), process(2), process(3, { isAdopted: true }));
  const after = scene(process(1), process(3, { state: 'Z' }), process(4));
  assert.deepEqual(difference(before, after), {
    processes: {
      set: [
        ['3', { state: 'Z', isAdopted: null }],
        ['4', process(4)],
      ],
      gone: ['2'],
    },
  });
  assert.deepEqual(difference(after, after), {});
});

test('a patch leads to the next scene, and what undoes it back, in JSON too', () => {
  const before = scene(process(1), process(2, { pid: 7 }), process(3));
  const after = scene(process(1, { parent: 9 }), process(3, { isExec: true }), process(4));
  const shown = emptyScene();
  apply(shown, sent(difference(emptyScene(), before)));
  assert.deepEqual(shown, before);
  const undo = sent(apply(shown, sent(difference(before, after))));
  assert.deepEqual(shown, after);
  apply(shown, undo);
  assert.deepEqual(new Set(shown.processes), new Set(before.processes));
});

test('a row that has not changed stays the same object', () => {
  const shown = scene(process(1), process(2));
  const [first, second] = [shown.processes.get('1'), shown.processes.get('2')];
  apply(shown, difference(shown, scene(process(1), process(2, { cpu: 3 }))));
  assert.equal(shown.processes.get('1'), first);
  assert.notEqual(shown.processes.get('2'), second);
});
