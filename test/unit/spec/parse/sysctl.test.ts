import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSysctl } from '../../../../src/spec/parse/sysctl.js';

test('--sysctl', () => {
  const cases: [string, string, string][] = [
    ['net.ipv4.ip_forward=1', 'net.ipv4.ip_forward', '1'],
    ['kernel.shmmax=68719476736', 'kernel.shmmax', '68719476736'],
    ['kernel.shm_rmid_forced=1', 'kernel.shm_rmid_forced', '1'],
    ['kernel.msgmnb=65536', 'kernel.msgmnb', '65536'],
    ['kernel.sem=250 32000 100 128', 'kernel.sem', '250 32000 100 128'],
    ['fs.mqueue.msg_max=20', 'fs.mqueue.msg_max', '20'],
    ['kernel.domainname=a=b', 'kernel.domainname', 'a=b'],
  ];
  for (const [text, name, value] of cases)
    assert.deepEqual(parseSysctl(text, { network: 'none' }), { name, value }, text);
});

test('invalid --sysctl', () => {
  const cases: [string, RegExp][] = [
    ['', /expected NAME=VALUE/],
    ['net.ipv4.ip_forward', /expected NAME=VALUE/],
    ['=1', /expected NAME=VALUE/],
    ['vm.swappiness=1', /vm\.swappiness is not namespaced.*may set kernel\.shm\*/],
    ['kernel.panic=1', /not namespaced/],
    ['kernel.semaphore=1', /not namespaced/],
    ['fs.file-max=1', /not namespaced/],
    ['net=1', /words separated by dots/],
    ['net..ipv4=1', /words separated by dots/],
    ['net.../kernel/panic=1', /words separated by dots/],
    ['net/ipv4/ip_forward=1', /words separated by dots/],
  ];
  for (const [text, sentence] of cases) {
    assert.throws(() => parseSysctl(text, { network: 'none' }), { name: 'FosterError', sentence }, text);
  }
});

test("a container cannot set parameters of the host's network", () => {
  assert.throws(() => parseSysctl('net.core.somaxconn=1', { network: 'host' }), {
    message: /with --network host/,
  });
  assert.equal(parseSysctl('kernel.sem=1', { network: 'host' }).value, '1');
});

test("a container cannot set parameters of the host's IPC and UTS namespaces", () => {
  const modes = { network: 'none', ipc: 'host', uts: 'host' } as const;
  for (const name of ['kernel.shmmax', 'kernel.sem', 'fs.mqueue.msg_max'])
    assert.throws(() => parseSysctl(`${name}=1`, modes), { message: /with --ipc host/ });
  assert.throws(() => parseSysctl('kernel.hostname=x', modes), { message: /with --uts host/ });
  assert.equal(parseSysctl('net.core.somaxconn=1', modes).value, '1');
});
