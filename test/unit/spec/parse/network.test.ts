import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNetworks } from '../../../../src/spec/parse/network.js';
import { parsePasta } from '../../../../src/spec/parse/pasta.js';

const parse = (...network: string[]) => parseNetworks({ network }, 'bridge');

test("networks in Podman's words and in Docker's", () => {
  const wanted = { name: 'shop', ip: '10.1.1.5', mac: '02:42:0a:58:00:05', gwPriority: -1, aliases: ['www'] };
  for (const value of [
    'shop:ip=10.1.1.5,mac=02:42:0a:58:00:05,gw-priority=-1,alias=www',
    'name=shop,ip=10.1.1.5,mac-address=02:42:0a:58:00:05,gw-priority=-1,alias=www',
    'alias=www,name=shop,gw-priority=-1,ip=10.1.1.5,mac-address=02:42:0a:58:00:05',
  ])
    assert.deepEqual(parse(value), { network: 'bridge', networks: [wanted] }, value);
  const ifname = 'driver-opt=com.docker.network.endpoint.ifname=way';
  for (const value of ['shop:interface_name=way', `name=shop,${ifname}`, `shop:${ifname}`])
    assert.deepEqual(parse(value).networks, [{ name: 'shop', aliases: [], interfaceName: 'way' }], value);
});

test('options of a network that make no sense are refused', () => {
  for (const [value, wanted] of [
    ['shop:gw-priority=1.5', /: expected a whole number$/],
    ['shop:interface_name=lo', /: expected the name of an interface/],
    ['shop:interface_name=a/b', /: expected the name of an interface/],
    ['shop:driver-opt=x=y', / is not supported yet: of the options of an endpoint/],
    ['name=,ip=1.2.3.4', /: expected none, host, bridge, /],
    ['ns:', /: expected none, host, bridge, /],
    ['ns:x', /: expected ns:PATH with an absolute path$/],
  ] as const)
    assert.throws(() => parse(value), wanted, value);
});

test('options of pasta', () => {
  assert.deepEqual(parse('ns:/x'), { network: 'ns', networks: [], networkPath: '/x' });
  assert.deepEqual(parse('pasta'), { network: 'pasta', networks: [], pastaOptions: [] });
  assert.deepEqual(parse('pasta:').pastaOptions, []);
  assert.deepEqual(parsePasta('pasta:--map-gw,-T,5201,--mtu=1400'), ['--map-gw', '-T', '5201', '--mtu=1400']);
  for (const value of [
    'pasta:true',
    'pasta:-T',
    'pasta:--netns,/x',
    'pasta:--userns=/x',
    'pasta:-f',
    'pasta:--map-gw,',
    'pasta:-t,1,2',
  ])
    assert.throws(() => parsePasta(value), value);
});
