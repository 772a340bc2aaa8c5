import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import type { NetworkDefinition } from '../../../src/network/definition.js';
import { leaseFile, readLeases, takeLeases } from '../../../src/network/leases.js';
import {
  deleteNetwork,
  findNetwork,
  keepDefault,
  listNetworks,
  readNetwork,
  writeNetwork,
} from '../../../src/network/store.js';
import { FosterError } from '../../../src/sys/errors.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../../src/sys/surroundings.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-networks-'));
const networks = join(folder, 'foster/networks');
after(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(networks, { recursive: true, force: true });
  mkdirSync(networks, { recursive: true }); // as the lock of the networks does
});
setSurroundings({ ...NO_SURROUNDINGS, env: { XDG_DATA_HOME: folder } });

function network(name: string, id = 'ab'.repeat(32)): NetworkDefinition {
  return {
    version: 1,
    id,
    name,
    created: '2026-11-26T10:00:00.000Z',
    subnets: [{ subnet: '10.77.7.0/29', gateway: '10.77.7.1' }],
    isInternal: false,
    hasDns: true,
    dns: [],
    labels: {},
    options: {},
  };
}

test('the default network is there before it is stored, and the same afterwards', () => {
  const [only] = listNetworks();
  assert.equal(only?.name, 'bridge');
  assert.ok(!existsSync(join(networks, 'bridge.json')));
  keepDefault(findNetwork('bridge'));
  assert.deepEqual(findNetwork('bridge').subnets, only?.subnets);
  assert.deepEqual(
    listNetworks().map(({ name }) => name),
    ['bridge'],
  );
});

test('a network is found by its name and the start of its id', () => {
  writeNetwork(network('shop', `0123${'4'.repeat(60)}`));
  writeNetwork(network('abcd'));
  assert.equal(findNetwork('shop').name, 'shop');
  assert.equal(findNetwork('0123').name, 'shop');
  assert.equal(findNetwork('abcd').name, 'abcd');
  for (const unknown of ['nosuch', '../shop', 'shop.json', 'ff00', '', '012'])
    assert.throws(() => findNetwork(unknown), /^FosterError: no such network: /, unknown);
  deleteNetwork('shop');
  assert.equal(readNetwork('shop'), undefined);
});

test('a damaged file is no network, and other files in the folder are none', () => {
  writeNetwork(network('shop'));
  for (const [file, text] of [
    ['half.json', '{"version":1,"name":"half"'],
    ['other.json', JSON.stringify(network('another'))],
    ['nothing.json', 'null'],
    ['subnets.json', JSON.stringify({ ...network('subnets'), subnets: [null] })],
    [
      'address.json',
      JSON.stringify({ ...network('address'), subnets: [{ subnet: '10.0.0.0/8', gateway: 'x' }] }),
    ],
    ['labels.json', JSON.stringify({ ...network('labels'), labels: { a: 1 } })],
    ['id.json', JSON.stringify({ ...network('id'), id: 7 })],
    ['shop.json.new', '{}'],
    ['lock', ''],
  ] as const)
    writeFileSync(join(networks, file), text);
  assert.deepEqual(
    listNetworks().map(({ name }) => name),
    ['bridge', 'shop'],
  );
  assert.ok(readdirSync(networks).includes('half.json'));
});

const isAlive = () => true;

test('containers have different addresses, none of them that of the subnet, the gateway or all', () => {
  const shop = network('shop');
  const taken = ['a', 'b', 'c', 'd', 'e'].flatMap((id) => takeLeases(id, [{ network: shop }], isAlive));
  assert.deepEqual(
    taken.flatMap(({ addresses }) => addresses),
    ['10.77.7.2', '10.77.7.3', '10.77.7.4', '10.77.7.5', '10.77.7.6'],
  );
  assert.equal(new Set(taken.map(({ mac }) => mac)).size, 5);
  assert.equal(new Set(taken.map(({ index }) => index)).size, 5);
  assert.throws(
    () => takeLeases('f', [{ network: shop }], isAlive),
    /no free address left in 10\.77\.7\.0\/29$/,
  );
  // those of containers that have ended are free again
  const [next] = takeLeases('f', [{ network: shop }], (id) => id !== 'c');
  assert.deepEqual(next?.addresses, ['10.77.7.4']);
  assert.ok(!readLeases().some(({ container }) => container === 'c'));
});

test('addresses that are asked for', () => {
  const shop = network('shop');
  const take = (id: string, ip: string) =>
    takeLeases(id, [{ network: shop, ip, mac: '02:00:00:00:00:05' }], isAlive);
  const [lease] = take('a', '10.77.7.5');
  assert.deepEqual([lease?.addresses, lease?.mac], [['10.77.7.5'], '02:00:00:00:00:05']);
  for (const [ip, why] of [
    ['10.77.7.5', 'another container has it'],
    ['10.77.7.1', 'it is the gateway'],
    ['10.77.7.0', 'it is not in'],
    ['10.77.7.7', 'it is not in'],
    ['10.78.7.5', 'it is not in'],
  ] as const)
    assert.throws(
      () => take('b', ip),
      (error) => error instanceof FosterError && error.kind === 'conflict' && error.message.includes(why),
      ip,
    );
  assert.deepEqual(take('a', '10.77.7.5')[0]?.addresses, ['10.77.7.5'], 'its own at the next start');
});

test('a lease is a file with all in its name that nobody else can have, and a damaged one is none', () => {
  const [lease] = takeLeases('a', [{ network: network('shop') }], isAlive);
  assert.ok(lease);
  const file = leaseFile(lease);
  assert.equal(file, join(networks, 'leases', `${lease.index},a,10.77.7.2`));
  assert.deepEqual(readLeases('a'), [lease]);
  assert.deepEqual(readLeases('b'), []);
  for (const text of [
    '{"index":1000000,',
    '7',
    'null',
    JSON.stringify({ ...lease, index: lease.index + 1 }),
  ]) {
    writeFileSync(file, text);
    assert.deepEqual(readLeases(), [], text);
  }
  takeLeases('b', [{ network: network('shop') }], isAlive);
  assert.ok(!existsSync(file), 'removed with the next change');
});
