import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restartUnitText } from '../../../src/container/restart-unit.js';

/** The unit of systemd that starts containers after a boot: systemd.service(5), "Command lines". */
const facts = {
  program: ['/usr/bin/node', '/usr/local/bin/foster'],
  dataFolder: '/home/ann/.local/share/foster',
  isRoot: false,
};

const line = (text: string, name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1];

test('it runs foster with the data folder of the caller', () => {
  const text = restartUnitText({ ...facts, path: '/usr/bin:/home/ann/bin', storageDriver: 'copy' });
  const command =
    '/usr/bin/node /usr/local/bin/foster --root /home/ann/.local/share/foster --storage-driver copy';
  assert.equal(line(text, 'ExecStart'), `${command} system start`);
  assert.equal(line(text, 'ExecStop'), `${command} system stop`);
  assert.equal(line(text, 'Environment'), 'PATH=/usr/bin:/home/ann/bin');
  assert.equal(line(text, 'WantedBy'), 'default.target');
});

test('what systemd would read otherwise is quoted', () => {
  const text = restartUnitText({ ...facts, dataFolder: '/a b/%h/$HOME/"q"\\\n[Unit]', path: '/x y:/$z/%i' });
  const root = '"/a b/%%h/$$HOME/\\"q\\"\\\\\\x0a[Unit]"';
  assert.equal(line(text, 'ExecStart'), `/usr/bin/node /usr/local/bin/foster --root ${root} system start`);
  assert.equal(line(text, 'Environment'), '"PATH=/x y:/$z/%%i"');
  assert.equal(text.match(/^\[Unit\]/gm)?.length, 1);
});

test("root's is one of the system, after the network", () => {
  const text = restartUnitText({ ...facts, isRoot: true });
  assert.equal(line(text, 'WantedBy'), 'multi-user.target');
  assert.equal(line(text, 'After'), 'network-online.target');
  assert.equal(line(text, 'Environment'), undefined);
});
