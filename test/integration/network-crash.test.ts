import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { CrashHome, killAtEachStep, titleOf, type Walk } from './support/crash.js';

/** SIGKILL at every step of every command that changes networks, while a container in another one keeps them connected. */
const home = new CrashHome();
home.env.FOSTER_NETWORK = 'bridge';
home.must(['run', '--rm', '--network', 'none', 'busybox', 'true']); // builds the root filesystem

const SLEEP = ['busybox', 'sleep', '1000'];
const OTHER = ['run', '-d', '--name', 'other', ...SLEEP];
const SHOP = ['network', 'create', '--subnet', '10.77.7.0/24', 'shop'];
const WEB = ['run', '-d', '--name', 'web', '--network', 'shop', ...SLEEP];

const WALKS: Walk[] = [
  { args: SHOP, least: 3 },
  { before: [SHOP], args: ['network', 'rm', 'shop'], least: 1 },
  { before: [SHOP, WEB, ['rm', '-f', 'web']], args: ['network', 'rm', 'shop'], least: 2 },
  { before: [SHOP, WEB], args: ['network', 'rm', '-f', 'shop'], least: 8 },
  { before: [SHOP], args: WEB, least: 15 },
  {
    before: [SHOP, ['create', '--name', 'web', ...SLEEP]],
    args: ['network', 'connect', 'shop', 'web'],
    least: 3,
  },
  {
    before: [SHOP, ['create', '--name', 'web', '--network', 'shop', ...SLEEP]],
    args: ['network', 'disconnect', 'shop', 'web'],
    least: 3,
  },
  {
    before: [SHOP, ['run', '-d', '--name', 'web', ...SLEEP]],
    args: ['network', 'connect', 'shop', 'web'],
    least: 3,
  },
  { before: [SHOP, WEB], args: ['network', 'disconnect', 'shop', 'web'], least: 3 },
];

const exists = (kind: 'network' | 'container', name: string) =>
  home.foster([kind, 'exists', name]).status === 0;

/** Everything can be used and removed, whatever has happened before. */
async function assertRecovers(what: string, isRemoved: boolean): Promise<void> {
  try {
    await home.assertTruth();
    if (!exists('network', 'shop')) home.must(SHOP);
    for (const name of ['web', 'other']) if (exists('container', name)) home.must(['inspect', name]);
    if (exists('container', 'web')) home.must(['rm', '-f', 'web']);
    // the network works, and so does one with its addresses that is made anew
    home.must(['run', '-d', '--name', 'peer', '--network', 'shop', ...SLEEP]);
    home.must(['run', '--rm', '--network', 'shop', 'busybox', 'ping', '-c', '1', '-W', '30', 'peer']);
    home.must(['network', 'rm', '-f', 'shop']);
    if (isRemoved) {
      home.must([...SHOP, '--gateway', '10.77.7.9']);
      home.must(['run', '-d', '--name', 'peer', '--network', 'shop', ...SLEEP]);
      home.must(['run', '--rm', '--network', 'shop', 'busybox', 'ping', '-c', '1', '-W', '30', 'peer']);
      home.must(['network', 'rm', '-f', 'shop']);
    }
    home.must(['network', 'prune', '-f']);
    assert.equal(home.must(['network', 'ls', '-q']), 'bridge\n');
    home.must(['rm', '-f', '-a']);
    await home.assertCleans();
    const left = readdirSync(join(home.folder, 'data/foster/networks'));
    assert.deepEqual(left.filter((name) => !name.endsWith('.new')).sort(), [
      'bridge.json',
      'holder',
      'leases.json',
      'lock',
      'names',
    ]);
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

afterEach(() => {
  home.foster(['rm', '-f', '-a']);
  home.foster(['network', 'prune', '-f']);
});

for (const { before = [], args, least } of WALKS) {
  const walk = { before: [OTHER, ...before], args, least };
  test(titleOf(walk), () => killAtEachStep(home, walk, (what) => assertRecovers(what, args[1] === 'rm')));
}
