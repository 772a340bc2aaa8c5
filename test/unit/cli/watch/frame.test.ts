import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayWidth } from '../../../../src/cli/format/table.js';
import { frame, pageHeight } from '../../../../src/cli/watch/frame.js';
import { keysIn } from '../../../../src/cli/watch/keys.js';
import { cut, drawLine, fit, plainText } from '../../../../src/cli/watch/line.js';
import {
  emptyView,
  pressKey,
  selectedRow,
  showSnapshot,
  type View,
  type Wish,
} from '../../../../src/cli/watch/view.js';
import type { WatchedProcess } from '../../../../src/watch/model.js';

const PEN = { branch: '|- ', last: '`- ', pass: '|  ', none: '   ' };

function process(pid: number, command: string, more: Partial<WatchedProcess> = {}): WatchedProcess {
  const numbers = { threads: 1, cpu: 0, memory: 0, lasts: [true] };
  return {
    hostPid: pid + 100,
    pid,
    parent: 101,
    name: command,
    command,
    start: `${pid}`,
    state: 'S',
    ...numbers,
    ...more,
  };
}

function viewOf(...processes: WatchedProcess[]): View {
  const view = emptyView();
  show(view, ...processes);
  return view;
}

function show(view: View, ...processes: WatchedProcess[]): void {
  const container = {
    id: 'web-id',
    name: 'web',
    image: 'busybox',
    status: 'running',
    hostPid: 101,
    cpu: 1.25,
    memory: 2048,
  };
  showSnapshot(view, { at: 0, containers: [{ ...container, processes }] }, []);
}

function screen(view: View, width: number, height: number): string[] {
  const lines = frame(view, { width, height }, PEN);
  assert.equal(lines.length, height);
  for (const line of lines) {
    const text = line.map((segment) => segment.text).join('');
    assert.equal(displayWidth(text), width, JSON.stringify(text));
    assert.doesNotMatch(text, /[\x00-\x1f\x7f-\x9f]/);
  }
  return lines.map(plainText);
}

const press = (view: View, keys: string): (Wish | undefined)[] =>
  keys.split(' ').map((key) => pressKey(view, key, 10));

test('a screen of 80 x 24', () => {
  const view = viewOf(
    process(1, 'foster-init', { lasts: [] }),
    process(2, 'sh -c true', { lasts: [false], cpu: 12.34, memory: 5 * 1024 * 1024 }),
    process(3, '[true]', { lasts: [false, true], state: 'Z' }),
    process(4, 'sleep 7', { adopted: { from: { hostPid: 105, pid: 5, name: 'sh' } } }),
  );
  const lines = screen(view, 80, 24);
  assert.match(lines[0] ?? '', /^foster watch {2}1 container {2}4 processes {2}1 zombie {3,}\d\d:\d\d:\d\d$/);
  assert.deepEqual(lines.slice(1, 7), [
    '   PID HOST PID S  CPU%       MEM  COMMAND',
    'web  busybox  running  PID 1 is 101 outside  CPU 1.3%  2KiB  4 processes  1 zomb',
    '     1      101 S   0.0        0B  foster-init',
    '     2      102 S  12.3      5MiB  |- sh -c true',
    '     3      103 Z   0.0        0B  |  `- [true]  (zombie)',
    '     4      104 S   0.0        0B  `- sleep 7  (adopted, left by 5 sh)',
  ]);
  assert.match(lines.at(-1) ?? '', /^\? help q quit .* p pause$/);
});

test('every size has lines of its width, with wide characters, escape sequences and long commands', () => {
  const view = viewOf(
    process(1, '容器'.repeat(80)),
    process(2, `\u001b[31mred\u0007${'x'.repeat(300)}`, { state: 'T', adopted: {} }),
    process(3, 'e\u0301\u0301 👩‍👩‍👧 \u202egnp', { joined: true }),
    ...Array.from({ length: 40 }, (_, index) => process(10 + index, `sleep ${index}`)),
  );
  for (const width of [1, 5, 20, 39, 40, 59, 60, 80, 200])
    for (const height of [2, 3, 8, 12, 24, 60]) {
      screen(view, width, height);
      for (const layer of ['s', '?', '/']) {
        pressKey(view, layer, 5);
        screen(view, width, height);
        pressKey(view, 'escape', 5);
      }
    }
  assert.match(screen(view, 20, 8).join('\n'), /^ +PID S {2}COMMAND$/m);
});

test('of thousands of processes, only those on the screen are drawn', () => {
  let drawn = 0;
  const many = Array.from({ length: 2000 }, (_, index) => ({
    ...process(index + 1, ''),
    get command() {
      drawn++;
      return 'sleep';
    },
  }));
  const view = viewOf(...many);
  drawn = 0;
  screen(view, 80, 24);
  assert.ok(drawn < 24, `${drawn} are drawn`);
});

test('what is cut off stays within its columns', () => {
  assert.equal(cut('容器', 3), '容');
  assert.equal(fit('容器', 3), '容 ');
  assert.equal(fit('e\u0301x', 3), 'e\u0301x ');
});

test('the selection moves, scrolls, and stays on its process', () => {
  const many = Array.from({ length: 100 }, (_, index) => process(index + 1, `p${index + 1}`));
  const view = viewOf(...many);
  const commandOfSelected = () => selectedRow(view)?.process?.command;
  assert.equal(selectedRow(view)?.key, 'web-id');
  press(view, 'j down j');
  assert.equal(commandOfSelected(), 'p3');
  press(view, 'k');
  assert.equal(commandOfSelected(), 'p2');
  show(view, process(0, 'new'), ...many); // a row above
  assert.equal(commandOfSelected(), 'p2');
  press(view, 'end');
  assert.equal(commandOfSelected(), 'p100');
  const size = { width: 80, height: 24 };
  const lines = frame(view, size, PEN).map(plainText);
  assert.ok(lines[pageHeight(size) + 1]?.endsWith('p100'), lines.join('\n'));
  show(view, ...many.slice(0, 50)); // the selected one is gone
  assert.equal(commandOfSelected(), 'p50');
  press(view, 'pageup pageup home');
  assert.equal(selectedRow(view)?.key, 'web-id');
  show(view);
  press(view, 'down');
  showSnapshot(view, { at: 1, containers: [] }, []);
  assert.equal(selectedRow(view), undefined);
  assert.deepEqual(press(view, 'down s e i'), [undefined, undefined, undefined, undefined]);
});

test('a filter: typed, kept, dropped', () => {
  const view = viewOf(process(1, 'init'), process(2, 'sleep 1'), process(3, 'Sleepy'));
  press(view, '/ s l e x backspace');
  assert.deepEqual(
    view.rows.map(({ process }) => process?.command),
    [undefined, 'sleep 1', 'Sleepy'],
  );
  assert.match(screen(view, 80, 24).join('\n'), /only 'sle'.*\/sle_/su);
  press(view, 'enter');
  assert.equal(view.layer, undefined);
  press(view, '/ q escape'); // q is a character here
  assert.equal(view.filter, 'sle');
  press(view, 'escape');
  assert.equal(view.rows.length, 4);
});

test('signals are chosen from a menu', () => {
  const view = viewOf(process(1, 'init'), process(2, 'sleep'));
  press(view, 'j j s down');
  assert.equal(view.layer?.kind, 'signal');
  const [wish] = press(view, 'enter');
  assert.deepEqual(wish?.kind === 'signal' && [wish.signal, wish.row.process?.command], ['KILL', 'sleep']);
  press(view, 's');
  const [other] = press(view, '7');
  assert.equal(other?.kind === 'signal' && other.signal, 'CONT');
  press(view, 's escape');
  assert.equal(view.layer, undefined);
  assert.deepEqual(press(view, 's interrupt')[1], { kind: 'quit' });
});

test('a text is scrolled and left', () => {
  const view = viewOf(process(1, 'init'));
  const lines = Array.from({ length: 100 }, (_, index) => [{ text: `line ${index}` }]);
  view.layer = { kind: 'text', title: 'logs of web', lines, top: 0 };
  press(view, 'down pagedown');
  assert.match(screen(view, 40, 10).join('\n'), /^logs of web\nline 11\n/);
  press(view, 'end q');
  assert.equal(view.layer, undefined);
  assert.deepEqual(press(view, 'p ? x'), [
    undefined,
    { kind: 'help' },
    { kind: 'explain', row: view.rows[0] },
  ]);
  assert.equal(view.isPaused, true);
});

test('keys', () => {
  assert.deepEqual(keysIn('j\x1b[A\x1bOB\x1b[5~q\r\x7f\x03'), [
    'j',
    'up',
    'down',
    'pageup',
    'q',
    'enter',
    'backspace',
    'interrupt',
  ]);
  assert.deepEqual(keysIn('\x1b'), ['escape']);
  assert.deepEqual(keysIn('\x1b[200~a容\x1b[201~\x01'), ['a', '容']); // what is not known is left out
});

test('without colours only the bar of the selection is left', () => {
  const line = [
    { text: 'a', colour: 'red' },
    { text: 'b', colour: 'reverse' },
  ] as const;
  assert.equal(drawLine([...line], false), 'a\x1b[7mb\x1b[0m');
  assert.equal(drawLine([...line], true), '\x1b[31ma\x1b[0m\x1b[7mb\x1b[0m');
});
