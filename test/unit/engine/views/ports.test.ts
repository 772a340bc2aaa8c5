import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposedPorts } from '../../../../src/container/exposed-ports.js';
import { openPorts, portBindings, portsText } from '../../../../src/engine/views/ports.js';
import { parsePublish } from '../../../../src/spec/parse/network.js';

const publish = (...values: string[]) => values.flatMap(parsePublish);

test('ports in a row are one range, as in docker ps', () => {
  for (const [values, ports, text] of [
    [['8080:80'], [], '0.0.0.0:8080->80/tcp'],
    [['8080:80', '8443:443'], [], '0.0.0.0:8080->80/tcp, 0.0.0.0:8443->443/tcp'],
    [['8001:81', '8000:80'], [], '0.0.0.0:8000-8001->80-81/tcp'],
    [['8000-8010:8000-8010/udp'], [], '0.0.0.0:8000-8010->8000-8010/udp'],
    [['9000:80', '8001:81'], [], '0.0.0.0:9000->80/tcp, 0.0.0.0:8001->81/tcp'],
    [['127.0.0.1:8000:80', '8001:81'], [], '127.0.0.1:8000->80/tcp, 0.0.0.0:8001->81/tcp'],
    [['53:53/udp', '53:53'], [], '0.0.0.0:53->53/tcp, 0.0.0.0:53->53/udp'],
    [['[::1]:80:80'], [], '[::1]:80->80/tcp'],
    [['8000:80', '9000:80'], [], '0.0.0.0:8000->80/tcp, 0.0.0.0:9000->80/tcp'],
    [['8080:80'], ['80/tcp', '443/tcp'], '0.0.0.0:8080->80/tcp, 443/tcp'],
    [[], ['80/tcp', '81/tcp', '83/tcp', '84/udp'], '80-81/tcp, 83/tcp, 84/udp'],
    [[], ['8000-8010/tcp'], '8000-8010/tcp'],
    [[], [], ''],
  ] as [string[], string[], string][])
    assert.equal(portsText({ published: publish(...values), ports }), text);
});

test('ports of a record that has none', () => {
  assert.equal(portsText({}), '');
  assert.deepEqual(portBindings({}), {});
  assert.deepEqual(exposedPorts({}), []);
});

test('inspect has bindings by the ports of the container, and null for what is only exposed', () => {
  const record = {
    published: publish('8080:80', '127.0.0.1:8081:80', '53:53/udp'),
    ports: ['80/tcp', '443/tcp'],
  };
  assert.deepEqual(portBindings(record), {
    '53/udp': [{ HostIp: '', HostPort: '53' }],
    '80/tcp': [
      { HostIp: '', HostPort: '8080' },
      { HostIp: '127.0.0.1', HostPort: '8081' },
    ],
  });
  assert.deepEqual(openPorts(record), {
    '443/tcp': null,
    '53/udp': [{ HostIp: '0.0.0.0', HostPort: '53' }],
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '127.0.0.1', HostPort: '8081' },
    ],
  });
  assert.deepEqual(exposedPorts(record), ['80/tcp', '443/tcp', '53/udp']);
});
