import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { defineNetwork, type NetworkWishes } from '../../../src/network/define.js';
import { mtuOf } from '../../../src/network/definition.js';
import { FosterError } from '../../../src/sys/errors.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../../src/sys/surroundings.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-networks-'));
after(() => rmSync(folder, { recursive: true, force: true }));
setSurroundings({ ...NO_SURROUNDINGS, env: { XDG_DATA_HOME: folder } });

const NOTHING: NetworkWishes = {
  subnets: [],
  gateways: [],
  ranges: [],
  reserved: [],
  ipv4: true,
  ipv6: false,
  internal: false,
  hasDns: true,
  dns: [],
  labels: {},
  options: {},
};

const define = (wishes: Partial<NetworkWishes>, others: Partial<NetworkWishes>[] = []) =>
  defineNetwork(
    { ...NOTHING, ...wishes },
    others.map((other) => defineNetwork({ ...NOTHING, ...other }, [])),
  );

function refused(wishes: Partial<NetworkWishes>, others: Partial<NetworkWishes>[] = []): FosterError {
  try {
    define(wishes, others);
  } catch (error) {
    assert.ok(error instanceof FosterError);
    return error;
  }
  return assert.fail(`${JSON.stringify(wishes)} is not refused`);
}

test('what is not asked for is chosen: a name and a subnet that nobody has', () => {
  const first = define({});
  assert.equal(first.name, 'foster1');
  assert.match(first.id, /^[0-9a-f]{64}$/);
  const [subnet] = first.subnets;
  assert.match(subnet?.subnet ?? '', /^10\.(89|90)\.\d+\.0\/24$/);
  assert.equal(subnet?.gateway, subnet?.subnet.replace('.0/24', '.1'));
  const second = defineNetwork(NOTHING, [first]);
  assert.equal(second.name, 'foster2');
  assert.notEqual(second.subnets[0]?.subnet, subnet?.subnet);
});

test('subnets of both families, with a gateway and a range of each, in any order', () => {
  const { subnets } = define({
    subnets: ['fd00:77::/64', '10.77.7.9/24'],
    gateways: ['10.77.7.254', 'fd00:77::f'],
    ranges: ['10.77.7.128/25'],
  });
  assert.deepEqual(subnets, [
    { subnet: '10.77.7.0/24', gateway: '10.77.7.254', range: '10.77.7.128/25' },
    { subnet: 'fd00:77::/64', gateway: 'fd00:77::f' },
  ]);
});

test('--ipv6 adds the family that no subnet is of', () => {
  const { subnets } = define({ subnets: ['10.77.7.0/24'], ipv6: true });
  assert.equal(subnets[0]?.subnet, '10.77.7.0/24');
  assert.match(subnets[1]?.subnet ?? '', /^fd[0-9a-f:]+::\/64$/);
  assert.equal(define({ subnets: ['fd00:77::/64'] }).subnets.length, 1);
});

test('a subnet that another network has a part of is a conflict that names both', () => {
  const other = { name: 'shop', subnets: ['10.77.0.0/16'] };
  const { message, kind } = refused({ subnets: ['10.77.7.0/24'] }, [other]);
  assert.equal(message, 'cannot use the subnet 10.77.7.0/24: it overlaps 10.77.0.0/16 of the network shop');
  assert.equal(kind, 'conflict');
  assert.equal(refused({ subnets: ['10.0.0.0/8'] }, [other]).kind, 'conflict');
  define({ subnets: ['10.78.0.0/16'] }, [other]);
});

test('what makes no sense is refused', () => {
  const subnets = ['10.77.7.0/24'];
  for (const [wishes, message] of [
    [{ subnets: ['10.77.7.0'] }, /^--subnet '10\.77\.7\.0': expected ADDRESS\/LENGTH/],
    [{ subnets: ['10.77.7.0/31'] }, /no room/],
    [{ subnets: ['0.0.0.0/0'] }, /are for this host/],
    [{ subnets: ['127.0.0.0/16'] }, /are for loopback/],
    [{ subnets: ['169.254.249.0/24'] }, /link-local/],
    [{ subnets: ['fe80::/64'] }, /link-local/],
    [{ subnets: ['10.77.7.0/24', '10.78.7.0/24'] }, /a network has one subnet of IPv4$/],
    [{ gateways: ['10.77.7.1'] }, /^--gateway '10\.77\.7\.1': it needs a --subnet$/],
    [
      { subnets, gateways: ['10.78.7.1'] },
      /^--gateway '10\.78\.7\.1': it is not in the subnet 10\.77\.7\.0\/24/,
    ],
    [{ subnets, gateways: ['10.77.7.0'] }, /first address/],
    [{ subnets, gateways: ['10.77.7.255'] }, /last address/],
    [{ subnets, gateways: ['x'] }, /expected an IP address$/],
    [{ subnets, gateways: ['10.77.7.1', '10.77.7.2'] }, /another one for that$/],
    [{ subnets, ranges: ['10.77.8.0/25'] }, /^--ip-range '10\.77\.8\.0\/25': it is not in/],
    [{ subnets, ranges: ['10.77.0.0/16'] }, /it is not in/],
    [{ subnets, ranges: ['10.77.7.5-10.77.7.9'] }, /expected ADDRESS\/LENGTH$/],
    [{ dns: ['ns'] }, /^--dns 'ns': expected an IP address$/],
    [{ name: 'a/b' }, /^network name 'a\/b': a name has/],
    [{ name: '../x' }, /a name has/],
    [{ name: 'host' }, /it means something else/],
  ] as [Partial<NetworkWishes>, RegExp][]) {
    const error = refused(wishes);
    assert.match(error.message, message);
    assert.equal(error.kind, 'invalid', error.message);
  }
});

test('options of a bridge are kept where they ask for what is the case, else refused with the reason', () => {
  assert.deepEqual(define({ options: { isolate: 'true' } }).options, { isolate: 'true' });
  assert.match(refused({ options: { isolate: 'false' } }).message, /is not supported: networks never reach/);
  assert.match(
    refused({ options: { 'com.docker.network.bridge.name': 'br0' } }).message,
    /no bridge interface/,
  );
  assert.equal(refused({ options: { toString: 'x' } }).kind, 'unsupported');
});

test('the MTU of a network, by the names that Podman and Docker have for it', () => {
  const mtu = (options: Record<string, string>, subnets: string[] = ['10.77.7.0/24']) =>
    mtuOf(define({ options, subnets }));
  assert.deepEqual(
    [{}, { mtu: '1400' }, { 'com.docker.network.driver.mtu': '68' }].map((options) => mtu(options)),
    [65520, 1400, 68],
  );
  assert.equal(mtu({ mtu: '1280' }, ['fd00:77::/64']), 1280);
  for (const value of ['67', '65521', '-1', '1e3', 'x', ''])
    assert.match(
      refused({ options: { mtu: value } }).message,
      /^--opt 'mtu=.*': expected a number of bytes from 68 to 65520$/,
    );
  const six = { options: { mtu: '1279' }, subnets: ['fd00:77::/64'] };
  assert.match(refused(six).message, /from 1280 to 65520$/);
});
