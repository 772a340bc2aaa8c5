import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventText } from '../../../src/cli/watch/event-text.js';
import { eventsBetween } from '../../../src/watch/events.js';
import type { Snapshot, WatchedProcess } from '../../../src/watch/model.js';

/** A process whose host pid is 100 more than the one inside. */
function process(
  pid: number,
  parent: number,
  name: string,
  more: Partial<WatchedProcess> = {},
): WatchedProcess {
  const numbers = { threads: 1, cpu: 0, memory: 0, lasts: [] };
  return {
    hostPid: pid + 100,
    pid,
    parent: parent + 100,
    name,
    command: name,
    start: `${pid}`,
    state: 'S',
    ...numbers,
    ...more,
  };
}

function snapshot(
  at: number,
  ...containers: [name: string, hostPid: number, processes: WatchedProcess[]][]
): Snapshot {
  return {
    at,
    containers: containers.map(([name, hostPid, processes]) => ({
      ...{
        id: `${name}-id`,
        name,
        image: 'busybox',
        status: 'running',
        hostPid,
        cpu: 0,
        memory: 0,
        processes,
      },
    })),
  };
}

const INIT = process(1, 0, 'foster-init');

function told(before: WatchedProcess[], after: WatchedProcess[]): string[] {
  const events = eventsBetween(
    snapshot(1, ['web', 101, [INIT, ...before]]),
    snapshot(2, ['web', 101, [INIT, ...after]]),
  );
  for (const { at, container, containerId } of events)
    assert.deepEqual([at, container, containerId], [2, 'web', 'web-id']);
  return events.map(eventText);
}

test('processes begin, execute, stop, go on and end', () => {
  const sh = process(2, 1, 'sh');
  assert.deepEqual(told([], [sh]), ['start 2 sh, child of 1 foster-init']);
  assert.deepEqual(told([sh], [{ ...sh, name: 'sleep' }]), ['exec 2 sleep, was sh']);
  assert.deepEqual(told([sh], [{ ...sh, state: 'T' }]), ['stop 2 sh']);
  assert.deepEqual(told([{ ...sh, state: 'T' }], [sh]), ['continue 2 sh']);
  assert.deepEqual(told([sh], []), ['exit 2 sh, reaped by 1 foster-init']);
  assert.deepEqual(told([sh], [sh]), []);
});

test('a zombie, and its end', () => {
  const [sh, child] = [process(2, 1, 'sh'), process(3, 2, 'true')];
  const zombie = { ...child, state: 'Z' };
  assert.deepEqual(told([sh, child], [sh, zombie]), ['zombie 3 true: 2 sh has not waited for it']);
  assert.deepEqual(told([sh], [sh, zombie]), [
    'start 3 true, child of 2 sh',
    'zombie 3 true: 2 sh has not waited for it',
  ]);
  assert.deepEqual(told([sh, zombie], [sh]), ['reap 3 true by 2 sh']);
});

test('an orphan: who left it, and who adopts it', () => {
  const [sh, child] = [process(2, 1, 'sh'), process(3, 2, 'sleep')];
  assert.deepEqual(told([sh, child], [{ ...child, parent: 101 }]), [
    'adopt 3 sleep by 1 foster-init: left by 2 sh',
    'exit 2 sh, reaped by 1 foster-init',
  ]);
  // it began and was left between two looks
  assert.deepEqual(told([], [process(3, 1, 'sleep', { adopted: { session: 2 } })]), [
    'start 3 sleep, child of 1 foster-init',
    'adopt 3 sleep by 1 foster-init',
  ]);
});

test('who has reaped a process whose parent has ended, too, is not known', () => {
  const [sh, child] = [process(2, 1, 'sh'), process(3, 2, 'true')];
  const gone = 'exit 2 sh, reaped by 1 foster-init';
  assert.deepEqual(told([sh, { ...child, state: 'Z' }], []), [
    gone,
    'reap 3 true: its parent 2 sh has ended, too',
  ]);
  assert.deepEqual(told([sh, child], [{ ...sh, state: 'Z' }]), [
    'zombie 2 sh: 1 foster-init has not waited for it',
    'exit 3 true: its parent 2 sh has ended, too',
  ]);
  // another process has got the pid of the parent
  const other = { ...sh, start: '77', name: 'ls' };
  assert.deepEqual(told([sh, { ...child, state: 'Z' }], [other]), [
    'start 2 ls, child of 1 foster-init',
    gone,
    'reap 3 true: its parent 2 sh has ended, too',
  ]);
  assert.deepEqual(told([sh, child], [{ ...child, parent: 101 }, other]), [
    'adopt 3 true by 1 foster-init: left by 2 sh',
    'start 2 ls, child of 1 foster-init',
    gone,
  ]);
});

test('a pid that another process has got is another process', () => {
  const old = process(2, 1, 'sh');
  assert.deepEqual(told([old], [{ ...old, start: '77', name: 'ls' }]), [
    'start 2 ls, child of 1 foster-init',
    'exit 2 sh, reaped by 1 foster-init',
  ]);
});

test('containers come and go; one that was restarted is another one', () => {
  const before = snapshot(1, ['a', 101, [INIT]], ['b', 201, []]);
  const events = eventsBetween(before, snapshot(2, ['b', 301, []], ['c', 401, []]));
  assert.deepEqual(
    events.map(({ type, container }) => `${type} ${container}`),
    ['up b', 'up c', 'down a', 'down b'],
  );
});

test('names of processes are shown escaped', () => {
  assert.deepEqual(told([], [process(2, 1, '\u001b[2Jx')]), ['start 2 \\u001b[2Jx, child of 1 foster-init']);
});
