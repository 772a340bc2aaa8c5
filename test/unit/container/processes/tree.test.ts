import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawTree, hasLineCharacters } from '../../../../src/cli/container/draw-process-tree.js';
import type { ProcessEntry } from '../../../../src/container/processes/table.js';
import { buildTree, type TreeSource } from '../../../../src/container/processes/tree.js';

/** Host pids are 100 more than those inside. */
interface Sketch {
  pid: number;
  parent: number;
  command: string;
  session?: number;
  group?: number;
  state?: string;
}

function entries(sketches: Sketch[]): ProcessEntry[] {
  return sketches.map(({ pid, parent, command, state = 'S' }) => ({
    pid: pid + 100,
    name: command,
    state,
    parent: parent + 100,
    group: 0,
    session: 0,
    terminal: 0,
    userTime: 0,
    systemTime: 0,
    childrenTime: 0,
    nice: 0,
    threads: 1,
    start: String(pid),
    virtualSize: 0,
    residentSize: 0,
  }));
}

function source(sketches: Sketch[], shim: boolean): TreeSource {
  return {
    shim,
    idsOf: (host) => {
      const sketch = sketches.find(({ pid }) => pid === host - 100);
      if (sketch === undefined) return undefined;
      const { pid, session = 2, group = session } = sketch;
      return { pids: [host, pid], sessions: [0, session], groups: [0, group], user: 0 };
    },
    commandOf: ({ name }) => name,
  };
}

const FAMILY: Sketch[] = [
  { pid: 1, parent: -50, command: 'foster-init', session: 1 },
  { pid: 2, parent: 1, command: 'server' },
  { pid: 5, parent: 2, command: 'worker' },
  { pid: 6, parent: 2, command: 'done', state: 'Z' },
  { pid: 8, parent: 1, command: 'lost', group: 7 },
  { pid: 9, parent: 1, command: 'daemon', session: 9 },
  { pid: 11, parent: -60, command: 'shell', session: 11 },
  { pid: 12, parent: 11, command: 'evil\x1b[2J', session: 11, state: 'T' },
];

test('a tree with orphans, a zombie and a process from outside', () => {
  const roots = buildTree(entries(FAMILY), source(FAMILY, true));
  const text = `PID   HOST PID   STAT   COMMAND
1     101        S      foster-init
2     102        S      ├─ server
5     105        S      │  ├─ worker
6     106        Z      │  └─ done  (zombie: its parent has not waited for it)
8     108        S      ├─ lost  (adopted by PID 1, was in session 2, group 7)
9     109        S      └─ daemon  (adopted by PID 1)
11    111        S      shell  (came by foster exec)
12    112        T      └─ evil\\u001b[2J  (stopped)
`;
  assert.equal(drawTree(roots, { ascii: false }), text);
  const ascii = text.replaceAll('├─', '|-').replaceAll('└─', '`-').replaceAll('│', '|');
  assert.equal(drawTree(roots, { ascii: true }), ascii);
});

test("without an init of foster's, a child of PID 1 may be its own", () => {
  const family: Sketch[] = [
    { pid: 1, parent: -50, command: 'sh', session: 1 },
    { pid: 2, parent: 1, command: 'own', session: 1 },
    { pid: 4, parent: 1, command: 'daemon', session: 4 },
    { pid: 6, parent: 1, command: 'stranger', session: 5 },
  ];
  const [init] = buildTree(entries(family), source(family, false));
  assert.deepEqual(
    init?.children.map(({ command, adopted }) => [command, adopted]),
    [
      ['own', undefined],
      ['daemon', undefined],
      ['stranger', { session: 5, group: undefined }],
    ],
  );
});

test('orphans of a container in a pod are adopted by PID 1 of the pod, which is none of its processes', () => {
  const pod: Sketch = { pid: 1, parent: -50, command: 'foster-init', session: 1 };
  const family: Sketch[] = [
    { pid: 2, parent: -60, command: 'foster-init', session: 2 },
    { pid: 3, parent: 2, command: 'server', session: 3 },
    { pid: 5, parent: 1, command: 'lost', session: 3 },
    { pid: 7, parent: -70, command: 'shell', session: 7 },
  ];
  const roots = buildTree(entries(family), source([pod, ...family], true));
  assert.deepEqual(
    roots.map(({ command, adopted, joined }) => [command, adopted, joined]),
    [
      ['foster-init', undefined, undefined],
      ['lost', { session: 3, group: undefined }, undefined],
      ['shell', undefined, true],
    ],
  );
});

test('lines are drawn if the locale supports them', () => {
  assert.equal(hasLineCharacters({ LANG: 'de_DE.UTF-8' }), true);
  assert.equal(hasLineCharacters({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }), false);
  assert.equal(hasLineCharacters({ LC_CTYPE: 'C.utf8' }), true);
  assert.equal(hasLineCharacters({}), false);
});
