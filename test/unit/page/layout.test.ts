import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Box, namespaceBoxes } from '../../../src/page/boxes-layout.js';
import { networkMap } from '../../../src/page/network-layout.js';
import { treeRows } from '../../../src/page/tree-layout.js';
import { emptyScene, HOST, type ProcessRow, type Scene } from '../../../src/view/scene.js';

function sceneOf(...names: string[]): Scene {
  const scene = emptyScene();
  for (const name of names)
    scene.containers.set(name, { name, image: 'busybox', status: 'running', hostPid: 1, cpu: 0, memory: 0 });
  return scene;
}

function add(
  scene: Scene,
  container: string,
  hostPid: number,
  parent: number,
  more: Partial<ProcessRow> = {},
) {
  scene.processes.set(String(hostPid), {
    ...{
      container,
      hostPid,
      start: hostPid,
      parent,
      name: `p${hostPid}`,
      command: '',
      state: 'S',
      threads: 1,
    },
    ...{ cpu: 0, memory: 0, ...more },
  });
}

/** Rows as `LEVEL:KEY`. */
function drawn(scene: Scene, only?: string, closed: string[] = []): string {
  return treeRows(scene, only, new Set(closed))
    .map(({ level, key }) => `${level}:${key}`)
    .join(' ');
}

test('processes are below their parents, by age, and what came by exec is last', () => {
  const scene = sceneOf('a', 'b');
  add(scene, 'a', 10, 1);
  add(scene, 'a', 14, 11);
  add(scene, 'a', 11, 10);
  add(scene, 'a', 12, 5, { isExec: true, start: 1 });
  add(scene, 'a', 13, 10);
  add(scene, 'b', 20, 1);
  assert.equal(drawn(scene), '1:a 2:10 3:11 4:14 3:13 2:12 1:b 2:20');
  assert.equal(drawn(scene, 'b'), '1:b 2:20');
  assert.equal(drawn(scene, 'a', ['11']), '1:a 2:10 3:11 3:13 2:12');
  assert.equal(drawn(scene, undefined, ['a', 'b']), '1:a 1:b');
});

test('rows know their place, and the lines that go by', () => {
  const scene = sceneOf('a');
  for (const [pid, parent] of [
    [10, 1],
    [11, 10],
    [12, 11],
    [13, 10],
  ] as const)
    add(scene, 'a', pid, parent);
  const rows = treeRows(scene, undefined, new Set());
  assert.deepEqual(
    rows.map(({ place, siblings, isLast, lines }) => [place, siblings, isLast, lines.map(Number).join('')]),
    [
      [1, 1, true, ''],
      [1, 1, true, ''],
      [1, 2, false, '0'],
      [1, 1, true, '01'],
      [2, 2, true, '0'],
    ],
  );
  assert.deepEqual(
    rows.map(({ parent }) => parent),
    [undefined, 'a', '10', '11', '10'],
  );
});

test('a chain of thousands is laid out', () => {
  const scene = sceneOf('a');
  for (let pid = 2; pid < 5000; pid++) add(scene, 'a', pid, pid - 1);
  const rows = treeRows(scene, undefined, new Set());
  assert.equal(rows.at(-1)?.level, 4999);
  assert.ok((rows.at(-1)?.lines.length ?? 0) < 30);
});

/** Boxes as `[TYPES: PROCESSES BOXES]`. */
function nested({ namespaces, processes, boxes }: Box): string {
  const types = namespaces.map(({ type, isElsewhere }) => (isElsewhere ? `${type}*` : type)).join(' ');
  return `[${[`${types}:`, ...processes.map(({ name }) => name), ...boxes.map(nested)].join(' ')}]`;
}

function inNamespaces(scene: Scene, key: string, row: Record<string, number>): { namespaces: string } {
  scene.namespaces.set(key, { ...scene.namespaces.get(HOST), ...row });
  return { namespaces: key };
}

test('containers of a pod share a box, and have smaller ones of their own', () => {
  const scene = sceneOf('a', 'b', 'c');
  scene.namespaces.set(HOST, { user: 1, net: 1, pid: 1, mnt: 1 });
  add(scene, 'a', 10, 1, inNamespaces(scene, 'a', { user: 2, net: 2, pid: 2, mnt: 2 }));
  add(scene, 'b', 11, 1, inNamespaces(scene, 'b', { user: 2, net: 2, pid: 3, mnt: 3 }));
  add(scene, 'c', 12, 1, inNamespaces(scene, 'c', { user: 4, pid: 4, mnt: 4 }));
  add(scene, 'c', 13, 1, inNamespaces(scene, 'host-like', {}));
  const box = namespaceBoxes(scene, undefined);
  assert.equal(
    nested(box),
    '[user net pid mnt: p13 [user net: [pid mnt: p10] [pid mnt: p11]] [user pid mnt: p12]]',
  );
  assert.deepEqual(box.boxes[0]?.containers, ['a', 'b']);
  assert.equal(nested(namespaceBoxes(scene, 'b')), '[user net pid mnt: p13 [user net: [pid mnt: p11]]]');
});

test('a namespace that cannot be around both is marked', () => {
  const scene = sceneOf('a', 'b', 'c');
  scene.namespaces.set(HOST, { net: 1, pid: 1 });
  add(scene, 'a', 10, 1, inNamespaces(scene, 'a', { net: 2, pid: 2 }));
  add(scene, 'b', 11, 1, inNamespaces(scene, 'b', { net: 2, pid: 3 }));
  add(scene, 'c', 12, 1, inNamespaces(scene, 'c', { net: 4, pid: 3 }));
  assert.match(nested(namespaceBoxes(scene, undefined)), /pid\*: p11.*pid\*: p12|net\* pid\*/);
});

test('the map leads from networks to containers, and from ports of the host', () => {
  const scene = sceneOf('web', 'db', 'alone', 'hosted', 'friend');
  const web = scene.containers.get('web');
  if (web !== undefined) web.ports = [{ host: '0.0.0.0:8080', container: '80/tcp' }];
  for (const [name, network] of [
    ['alone', 'none'],
    ['hosted', 'host'],
    ['friend', 'container db'],
  ] as const)
    Object.assign(scene.containers.get(name) ?? {}, { network });
  scene.networks.set('front', { subnets: ['10.1.0.0/24'], gateways: ['10.1.0.1'], isInternal: false });
  scene.networks.set('unused', { subnets: [], gateways: [], isInternal: false });
  scene.networks.set('back', { subnets: [], gateways: [], isInternal: true });
  for (const [container, network] of [
    ['web', 'front'],
    ['web', 'back'],
    ['db', 'back'],
  ] as const)
    scene.endpoints.set(`${container} ${network}`, {
      container,
      network,
      name: 'eth0',
      addresses: ['10.1.0.2'],
      mac: '',
    });
  const { boxes, lines } = networkMap(scene, undefined);
  assert.deepEqual(boxes.map(({ title }) => title).sort(), [
    '',
    'alone',
    'back',
    'db',
    'friend',
    'front',
    'hosted',
    'web',
  ]);
  assert.deepEqual(lines.map(({ kind }) => kind).sort(), [
    'link',
    'link',
    'link',
    'port',
    'share',
    'way',
    'way',
  ]);
  for (const [index, one] of boxes.entries())
    for (const other of boxes.slice(index + 1))
      assert.ok(
        one.x !== other.x || one.y + one.height <= other.y || other.y + other.height <= one.y,
        'no overlap',
      );
});
