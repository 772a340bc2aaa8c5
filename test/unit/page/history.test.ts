import assert from 'node:assert/strict';
import { test } from 'node:test';
import { History } from '../../../src/page/history.js';
import { difference, type Patch } from '../../../src/view/patch.js';
import { emptyScene, type Scene, type SceneEvent } from '../../../src/view/scene.js';

/** A moment with containers of these names. */
function moment(...names: string[]): Scene {
  const row = { image: 'busybox', status: 'running', hostPid: 1, cpu: 0, memory: 0 };
  return { ...emptyScene(), containers: new Map(names.map((name) => [name, { ...row, name }])) };
}

function event(at: number): SceneEvent {
  return { at, type: 'up', container: 'a' };
}

function patch(at: number, before: Scene, after: Scene, events: SceneEvent[] = []): Patch {
  return { at, tables: difference(before, after), events };
}

const shown = (history: History) => [...history.scene.containers.keys()].sort().join('');

function filled(most?: number): History {
  const history = new History(most);
  const moments = [emptyScene(), moment('a'), moment('a', 'b'), moment('b'), moment('b', 'c')];
  for (let at = 1; at < moments.length; at++)
    history.add(
      patch(at, moments[at - 1] ?? emptyScene(), moments[at] ?? emptyScene(), at === 2 ? [event(2)] : []),
    );
  return history;
}

test('any moment can be shown again', () => {
  const history = filled();
  assert.deepEqual([history.length, history.position, shown(history)], [4, 4, 'bc']);
  for (const [position, names] of [
    [1, 'a'],
    [3, 'b'],
    [2, 'ab'],
    [-5, 'a'],
    [99, 'bc'],
  ] as const) {
    history.goTo(position);
    assert.equal(shown(history), names);
  }
});

test('a moment of the past stays while others come', () => {
  const history = filled();
  history.goTo(2);
  history.add(patch(5, moment('b', 'c'), moment()));
  assert.equal(shown(history), 'ab');
  assert.equal(history.isAtEnd, false);
  history.goTo(history.length);
  assert.equal(shown(history), '');
});

test('the oldest moments are forgotten, and the others are still right', () => {
  const history = filled(2);
  assert.deepEqual([history.length, history.at(1), shown(history)], [2, 3, 'bc']);
  history.goTo(1);
  assert.equal(shown(history), 'b');
  history.add(patch(5, moment('b', 'c'), moment('d')));
  assert.deepEqual(
    [history.length, history.position, shown(history)],
    [2, 1, 'bc'],
    'the oldest that is left',
  );
});

test('after a gap, the whole scene is the next moment', () => {
  const history = filled();
  history.replace(patch(9, emptyScene(), moment('c', 'd'), [event(2), event(8)]));
  assert.deepEqual([history.length, shown(history)], [5, 'cd']);
  assert.deepEqual(
    history.events(5).map(({ at }) => at),
    [8],
    'the earlier one is known already',
  );
  history.goTo(4);
  assert.equal(shown(history), 'bc');
});

test('events are found from the moment that is shown', () => {
  const history = filled();
  assert.equal(history.nextWithEvents(-1), 2);
  assert.equal(history.nextWithEvents(1), undefined);
  history.goTo(1);
  assert.equal(history.nextWithEvents(1), 2);
  assert.deepEqual(history.latest(10), []);
});
