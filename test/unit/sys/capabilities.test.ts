import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { capabilityNumber, resolveCapabilities } from '../../../src/sys/capabilities.js';

const DEFAULTS = (
  'CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE ' +
  'SETFCAP'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

test('numbers', () => {
  assert.equal(capabilityNumber('CAP_CHOWN'), 0);
  assert.equal(capabilityNumber('CAP_SYS_ADMIN'), 21);
  assert.equal(capabilityNumber('CAP_AUDIT_WRITE'), 29);
  assert.equal(capabilityNumber('CAP_CHECKPOINT_RESTORE'), 40);
  assert.throws(() => capabilityNumber('CHOWN'), /there is no capability CHOWN/);
});

const HEADER = '/usr/include/linux/capability.h';
test("numbers are the kernel header's", { skip: !existsSync(HEADER) && `there is no ${HEADER}` }, () => {
  const found = [...readFileSync(HEADER, 'utf8').matchAll(/^#define (CAP_[A-Z_]+)\s+(\d+)$/gm)];
  assert.ok(found.length >= 40);
  for (const [, name = '', number] of found) assert.equal(capabilityNumber(name), Number(number), name);
});

test('the result of --cap-add and --cap-drop', async (t) => {
  const all = resolveCapabilities(['ALL'], []);
  assert.equal(all.length, 41);
  const cases: [string[], string[], string[]][] = [
    [[], [], DEFAULTS],
    [['CHOWN'], [], DEFAULTS],
    [['net_admin'], ['ALL'], ['CAP_NET_ADMIN']],
    [['Cap_Net_Admin', 'NET_ADMIN', 'CAP_CHOWN'], ['all'], ['CAP_CHOWN', 'CAP_NET_ADMIN']],
    [[], ['CAP_ALL'], []],
    [[], ['mknod', 'cap_net_raw'], DEFAULTS.filter((name) => !/MKNOD|NET_RAW/.test(name))],
    [['MKNOD'], ['MKNOD'], DEFAULTS],
    [['BPF'], [], [...DEFAULTS, 'CAP_BPF']],
    [['ALL'], ['SYS_ADMIN'], all.filter((name) => name !== 'CAP_SYS_ADMIN')],
    [['all', 'SYS_ADMIN'], ['SYS_ADMIN'], all.filter((name) => name !== 'CAP_SYS_ADMIN')],
  ];
  for (const [added, dropped, expected] of cases) {
    await t.test(`+${added} -${dropped}`, () =>
      assert.deepEqual(resolveCapabilities(added, dropped), expected),
    );
  }
});

test('errors for unknown names name the flag', () => {
  const cases: [string[], string[], RegExp][] = [
    [['NOPE'], [], /^--cap-add 'NOPE': unknown capability; expected ALL or/],
    [[], ['SYS ADMIN'], /^--cap-drop 'SYS ADMIN': unknown capability/],
    [[''], [], /^--cap-add '': /],
    [['\x1b[31m'], [], /^--cap-add '\?\[31m': /],
    [['ALL'], ['ALL'], /^--cap-drop ALL contradicts adding ALL/],
  ];
  for (const [added, dropped, sentence] of cases) {
    assert.throws(() => resolveCapabilities(added, dropped), {
      name: 'FosterError',
      exitCode: 125,
      sentence,
    });
  }
});
