import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import {
  hostnameFile,
  hostsFile,
  isAddress,
  parseAddHost,
  parseDns,
  resolvConf,
} from '../../../src/spec/hosts.js';

test('--add-host', () => {
  const cases: [string, string, string][] = [
    ['db:10.0.0.5', 'db', '10.0.0.5'],
    ['db=10.0.0.5', 'db', '10.0.0.5'],
    ['db:::1', 'db', '::1'],
    ['db:[fe80::1]', 'db', 'fe80::1'],
    ['db=fe80::1', 'db', 'fe80::1'],
  ];
  for (const [value, name, address] of cases) assert.deepEqual(parseAddHost(value), { name, address }, value);
  for (const value of ['', 'db', 'db:', ':1.2.3.4', 'db:1.2.3', 'd b:1.2.3.4', 'db:1.2.3.4 x']) {
    assert.throws(() => parseAddHost(value), { name: 'FosterError', message: /^--add-host '/ }, value);
  }
});

test('--dns', () => {
  assert.equal(parseDns('9.9.9.9'), '9.9.9.9');
  for (const value of ['', 'dns.example', '1.1.1', '1.1.1.1:53']) {
    assert.throws(() => parseDns(value), { name: 'FosterError', message: /expected an IP address/ }, value);
  }
});

test('addresses as node:net sees them', () => {
  const texts = [
    ...[
      '1.2.3.4',
      '0.0.0.0',
      '255.255.255.255',
      '256.1.1.1',
      '01.2.3.4',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.x',
      '',
    ],
    ...[
      '::',
      '::1',
      '1::',
      'fe80::1%eth0',
      'fe80::1%',
      '1:2:3:4:5:6:7:8',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
    ],
    ...[
      '1::2::3',
      ':1',
      '1:',
      ':::',
      '::ffff:1.2.3.4',
      '1.2.3.4::',
      '::1.2.3',
      '12345::',
      'g::',
      '1:2:3:4:5:6:1.2.3.4',
    ],
    ...['1::3:4:5:6:7:8', '::2:3:4:5:6:7:8', 'fe80::1%a%b', '::1.2.3.4:5'],
  ];
  for (const text of texts) assert.equal(isAddress(text), isIP(text) !== 0, text);
});

test('/etc/hosts', () => {
  const addHosts = [{ name: 'db', address: '10.0.0.5' }];
  const own = hostsFile({ hostname: 'box', addHosts });
  assert.match(own, /^127\.0\.0\.1\tlocalhost\n::1\tlocalhost/);
  assert.match(own, /10\.0\.0\.5\tdb\n127\.0\.1\.1\tbox\n$/);
  const shared = hostsFile({
    hostname: 'box',
    addHosts: [],
    base: '127.0.0.1 localhost\n192.168.1.2 nas\n\n',
  });
  assert.equal(shared, '127.0.0.1 localhost\n192.168.1.2 nas\n127.0.1.1\tbox\n');
});

test('/etc/resolv.conf', () => {
  const host =
    '# made by x\nnameserver 127.0.0.53\nnameserver ::1\nnameserver 10.0.0.1\nsearch lan\noptions edns0\n';
  assert.equal(
    resolvConf({ dns: [], host, network: 'none' }),
    'nameserver 10.0.0.1\nsearch lan\noptions edns0\n',
  );
  assert.equal(
    resolvConf({ dns: [], host, network: 'host' }),
    'nameserver 127.0.0.53\nnameserver ::1\nnameserver 10.0.0.1\nsearch lan\noptions edns0\n',
  );
  assert.equal(
    resolvConf({ dns: ['9.9.9.9', '1.1.1.1'], host, network: 'none' }),
    'nameserver 9.9.9.9\nnameserver 1.1.1.1\nsearch lan\noptions edns0\n',
  );
  assert.match(
    resolvConf({ dns: [], host: 'nameserver 127.0.0.1\n', network: 'none' }),
    /^# no name server.*\n$/,
  );
});

test('/etc/hostname', () => {
  assert.equal(hostnameFile('box'), 'box\n');
});
