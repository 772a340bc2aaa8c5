import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { CrashHome, killAtEachStep, titleOf, type Walk } from './support/crash.js';
import { commandLine, descendants } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** SIGKILL at every step of every command that changes networks, while a container in another one keeps them connected. */
const home = new CrashHome();
home.env.FOSTER_NETWORK = 'bridge';
home.must(['run', '--rm', '--network', 'none', 'busybox', 'true']); // builds the root filesystem

const SLEEP = ['busybox', 'sleep', '1000'];
const SUBNET = { subnets: ['10.77.7.0/24'] };
const OTHER = ['run', '-d', '--name', 'other', ...SLEEP];
const SHOP = ['network', 'create', '--subnet', '10.77.7.0/24', 'shop'];
/** As SHOP. */
const HAS_SHOP = { words: SHOP, byLibrary: () => home.library.networks.create('shop', SUBNET) };
const WEB = ['run', '-d', '--name', 'web', '--network', 'shop', ...SLEEP];

const WALKS: Walk[] = [
  { args: SHOP, least: 3 },
  { before: [HAS_SHOP], args: ['network', 'rm', 'shop'], least: 1 },
  { before: [HAS_SHOP, WEB, ['rm', '-f', 'web']], args: ['network', 'rm', 'shop'], least: 2 },
  { before: [HAS_SHOP, WEB], args: ['network', 'rm', '-f', 'shop'], least: 8 },
  { before: [HAS_SHOP], args: WEB, least: 15 },
  // without Node: src/init/front
  { args: ['run', '-d', '--name', 'web', ...SLEEP], least: 15 },
  { args: ['run', '-d', '--name', 'web', '-p', '80', ...SLEEP], least: 15 },
  {
    before: [['pod', 'create', '--name', 'pod']],
    args: ['run', '-d', '--pod', 'pod', '--name', 'web', ...SLEEP],
    least: 17,
  },
  {
    before: [HAS_SHOP, ['create', '--name', 'web', ...SLEEP]],
    args: ['network', 'connect', 'shop', 'web'],
    least: 2,
  },
  {
    before: [HAS_SHOP, ['create', '--name', 'web', '--network', 'shop', ...SLEEP]],
    args: ['network', 'disconnect', 'shop', 'web'],
    least: 2,
  },
  {
    before: [HAS_SHOP, ['run', '-d', '--name', 'web', ...SLEEP]],
    args: ['network', 'connect', 'shop', 'web'],
    least: 3,
  },
  { before: [HAS_SHOP, WEB], args: ['network', 'disconnect', 'shop', 'web'], least: 3 },
  { before: [HAS_SHOP, WEB], args: ['network', 'connect', 'bridge', 'web'], least: 4 },
  { before: [HAS_SHOP, WEB], args: ['network', 'update', '--dns-add', '10.9.9.9', 'shop'], least: 3 },
];

/** What is there while only `other` runs: the same before and after each kill. */
interface Baseline {
  folders: string[];
  processes: ReadonlySet<number>;
}

const baselineNow = (): Baseline => ({
  folders: home.leftFolders().sort(),
  processes: new Set(descendants().map(({ pid }) => pid)),
});

/** The network works: a container finds itself by an alias, which only the name server at the gateway knows. */
async function assertConnects(): Promise<void> {
  const command = ['ping', '-c', '1', '-W', '30', 'itself'];
  const inShop = { network: 'shop', networkAliases: ['itself'], remove: true };
  const { exitCode, stdout, stderr } = await home.library.run({ root: 'busybox', command, ...inShop });
  assert.equal(exitCode, 0, stdout + stderr);
  await home.library.networks.remove('shop');
}

/** Everything can be used and removed, whatever has happened before, and `other` notices nothing of it. */
async function assertRecovers(what: string, isRemoved: boolean, before: Baseline): Promise<void> {
  try {
    const listed = (await home.assertTruth()).map(({ name }) => name).sort();
    for (const name of listed) await home.library.inspect(name);
    await home.library.networks.create('shop', SUBNET).catch((error) => {
      if (error?.kind !== 'conflict') throw error; // it is there
    });
    if (listed.includes('web')) await home.library.remove('web', { force: true });
    for (const { name } of await home.library.pods.list())
      await home.library.pods.remove(name, { force: true, timeout: 0 });
    await assertConnects();
    if (isRemoved) {
      // and so does one with its addresses that is made anew
      await home.library.networks.create('shop', { ...SUBNET, gateways: ['10.77.7.9'] });
      await assertConnects();
    }
    if (home.leftFolders().some((folder) => !before.folders.includes(folder))) await home.library.prune();
    let more: unknown;
    await waitUntil('', () => {
      const { folders, processes } = baselineNow();
      more = [
        folders.filter((folder) => !before.folders.includes(folder)),
        [...processes].filter((pid) => !before.processes.has(pid)).map(commandLine),
      ];
      return isDeepStrictEqual(more, [[], []]);
    }).catch(() => assert.deepEqual(more, [[], []], 'folders or processes are left'));
    const left = readdirSync(join(home.folder, 'data/foster/networks'));
    assert.deepEqual(left.filter((name) => !name.endsWith('.new')).sort(), [
      'bridge.json',
      'holder',
      'leases',
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
  const walk = { before, args, least };
  test(titleOf(walk), async () => {
    // it stays for all of the walk: to start it and to clean up after it took half of the time
    home.must(OTHER);
    const baseline = baselineNow();
    await killAtEachStep(home, walk, (what) => assertRecovers(what, args[1] === 'rm', baseline));
    home.must(['network', 'prune', '-f']);
    home.must(['rm', '-f', 'other']);
    await home.assertCleans();
  });
}
