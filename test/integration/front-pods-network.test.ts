import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Containers } from './support/containers.js';
import { ALL, FrontHome, NO_NODE, normalized } from './support/front.js';
import { freePorts } from './support/ports.js';

/** Pods in networks without Node: their containers share the address, and hold the networks. */
const home = new FrontHome(['nft', 'pasta', 'dnsmasq']);
home.env.FOSTER_NETWORK = 'bridge';
const containers = new Containers(home);
const ok = (...args: string[]) => containers.ok(...args).trimEnd();
const leases = () => readdirSync(join(home.folder, 'data/foster/networks/leases')).sort();
const SLEEP = ['busybox', 'sleep', '1000'];

before(() => {
  ok('network', 'create', '--subnet', '10.68.5.0/24', 'shop');
  ok('run', '-d', '--name', 'other', ...SLEEP); // keeps the networks running
  ok('run', '-d', '--name', 'db', '--network', 'shop', ...SLEEP);
});

after(async () => {
  ok('pod', 'rm', '-f', '-t', '0', '--all');
  containers.removeAll();
  await home.assertNothingLeft();
});

function makePod(...options: string[]): void {
  home.foster(['pod', 'rm', '-f', '-t', '0', 'pod']);
  const { status, stderr } = home.byAny(['pod', 'create', '--name', 'pod', ...options]);
  assert.equal(status, 0, stderr);
}

const SHOW = 'ip addr show eth0; ip route; cat /etc/hosts /etc/resolv.conf';
const port = await freePorts(1);

const SAME: string[][] = [
  [],
  ['--network', 'shop', '--network-alias', 'front'],
  ['--network', 'shop', '-p', `${port}:80`, '--hostname', 'web', '--dns', '9.9.9.9'],
];

for (const options of SAME)
  test(`the same in a pod with ${options.join(' ') || 'the usual network'}, by Node and without it`, () => {
    const found = (['byNode', 'byAny', 'byFront'] as const).map((how) => {
      makePod(...options);
      const alone = ['--network', 'none', ...ALL];
      return [ALL, ['--name', 'given', 'busybox', 'sh', '-c', SHOW], alone].map((words) => {
        const { stdout, ...rest } = home[how](['run', '--rm', '--pod', 'pod', ...words], { input: 'input' });
        assert.doesNotMatch(rest.stderr, NO_NODE);
        return { ...rest, stdout: normalized(stdout).replaceAll(' tentative', ''), leases: leases().length };
      });
    });
    assert.deepEqual(found[2], found[0]);
  });

test('the address is that of the pod, whichever it is', () => {
  const args = ['run', '-d', '--pod', 'pod', ...SLEEP];
  makePod('--network', 'shop');
  home.byAny(args);
  const addresses = new Set();
  for (let time = 0; time < 3; time++) {
    ok('pod', 'rm', '-f', '-t', '0', 'pod');
    ok('run', '-d', '--network', 'shop', ...SLEEP); // takes its address
    makePod('--network', 'shop');
    const all = Array.from({ length: 2 }, () => home.byFront(args));
    const hosts = all.map(({ stdout, stderr }) => {
      assert.equal(stderr, '');
      return ok('exec', stdout.trim(), 'cat', '/etc/hosts');
    });
    const address = /^ +inet ([\d.]+)/m.exec(
      ok('exec', all[0]?.stdout.trim() ?? '', 'ip', 'addr', 'show', 'eth0'),
    )?.[1];
    for (const text of hosts) assert.match(text, new RegExp(`^${address}\tpod `, 'm'));
    addresses.add(address);
  }
  assert.equal(addresses.size, 3);
});

test('the monitor of each container holds the networks', () => {
  const args = ['run', '-d', '--pod', 'pod', ...SLEEP];
  makePod('--network', 'shop');
  home.byAny(args);
  makePod('--network', 'shop');
  const id = home.byFront(args).stdout.trim();
  const [, , monitor] = readFileSync(join(home.folder, 'data/foster/containers', id, 'live'), 'utf8').split(
    ' ',
  );
  const files = readdirSync(`/proc/${monitor}/fd`).map((fd) => readlinkSync(`/proc/${monitor}/fd/${fd}`));
  assert.ok(
    files.some((file) => file.endsWith('/networks/holder')),
    files.join(' '),
  );
});
