import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { CrashHome, killAtEachStep, titleOf } from './support/crash.js';
import { change, FrontHome, NO_NODE } from './support/front.js';
import { commandLine, descendants } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** The first container of a network, for which the network holder is made, without Node: src/init/front/holder.c. */
const home = new FrontHome(['nft', 'pasta', 'dnsmasq']);
home.env.FOSTER_NETWORK = 'bridge';
const networks = join(home.folder, 'data/foster/networks');
const templates = join(home.folder, 'data/foster/templates');
const SLEEP = ['busybox', 'sleep', '1000'];

const isFosters = (name: string) => /^(foster-|dnsmasq$|pas(ta|st))/.test(name);
const running = () => descendants().filter(({ name }) => isFosters(name));

async function removeAll(): Promise<void> {
  home.foster(['rm', '-f', '-t', '0', '--all']);
  await waitUntil('the holder has ended', () => running().length === 0);
}

before(() => {
  assert.equal(home.foster(['network', 'create', '--subnet', '10.68.5.0/24', 'shop']).status, 0);
  assert.equal(
    home.foster(['network', 'create', '--subnet', '10.68.6.0/24', '--internal', 'inner']).status,
    0,
  );
});

afterEach(removeAll);

after(async () => {
  home.foster(['network', 'prune', '-f']);
  await home.assertNothingLeft();
});

/** Executes a program in the network namespace of a process, with the right to see all of it. */
const INSIDE = `
import ctypes, os, sys
libc, NET_ADMIN = ctypes.CDLL(None), 12
for kind in ('user', 'net'):
    if libc.setns(os.open(f'/proc/{sys.argv[1]}/ns/{kind}', os.O_RDONLY), 0): sys.exit('cannot enter')
header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
libc.capget(header, sets)
sets[2], sets[5] = sets[1], sets[4]
libc.capset(header, sets)
libc.prctl(47, 2, NET_ADMIN, 0, 0) # PR_CAP_AMBIENT_RAISE
os.execvp(sys.argv[2], sys.argv[2:])
`;

function inside(pid: number, ...argv: string[]): string {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', INSIDE, String(pid), ...argv], {
    encoding: 'utf8',
  });
  assert.deepEqual([stderr, status], ['', 0], argv.join(' '));
  return stdout;
}

/** What is known about the holder and what belongs to it, without what differs each time. */
function theHolder(): unknown {
  const { pid, start, ...state } = JSON.parse(readFileSync(join(networks, 'holder'), 'utf8'));
  assert.match(start, /^\d+$/);
  const status = (one: number) =>
    readFileSync(`/proc/${one}/status`, 'latin1').match(
      /^(Uid|Gid|Cap\w+|NoNewPrivs|Seccomp|Sig(Blk|Ign|Cgt)):.*$/gm,
    );
  const shown = (...argv: string[]) =>
    inside(pid, ...argv).replace(/fe80:\S+|v1[01]\d{5}\b|(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g, 'RANDOM');
  return {
    state,
    processes: running()
      .map(({ pid: one, name }) => [name, commandLine(one), status(one)])
      .filter(([name]) => /^(foster-(network|outside)|dnsmasq)$/.test(String(name)))
      .sort(),
    maps: ['uid_map', 'gid_map'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1')),
    rules: shown('nft', 'list', 'ruleset'),
    addresses: shown('ip', '-brief', 'address'),
    links: shown('ip', '-brief', 'link'),
    routes: ['-4', '-6'].map((family) => shown('ip', family, 'route', 'show', 'table', 'all')),
    tables: ['-4', '-6'].map((family) => shown('ip', family, 'rule')),
    settings: [
      'ip_forward',
      'conf/default/rp_filter',
      'conf/all/send_redirects',
      'conf/default/send_redirects',
    ].map((name) => inside(pid, 'cat', `/proc/sys/net/ipv4/${name}`)),
  };
}

for (const flags of [[], ['--network', 'shop'], ['--network', 'inner'], ['-p', '80']]) {
  const args = ['--debug', 'run', '-d', '--name', 'one', ...flags, ...SLEEP];

  test(`the same holder by Node and without it: run -d ${flags.join(' ')}`, async () => {
    const found = [];
    for (const how of ['byNode', 'byAny'] as const) {
      const { status, stderr } = home[how](args);
      assert.equal(status, 0, stderr);
      found.push(theHolder());
      await removeAll();
    }
    let said = '';
    await waitUntil('the front does it', async () => {
      said = home.byFront(args).stderr;
      if (!/cannot find node/.test(said)) return true;
      home.byAny(args); // something that a template depends on has changed
      await removeAll();
      return false;
    });
    assert.equal(said, 'foster: debug: done without Node\n');
    assert.deepEqual(theHolder(), found[0]);
  });
}

const OTHERS: [title: string, ...commands: string[][]][] = [
  ['a run in the foreground', ['run', '--rm', 'busybox', 'ip', 'addr', 'show', 'eth0']],
  [
    'a run by a name server',
    [
      'run',
      '--rm',
      '--network',
      'shop',
      '--network-alias',
      'own',
      'busybox',
      'ping',
      '-c',
      '1',
      '-W',
      '30',
      'own',
    ],
  ],
  ['a start', ['create', '--name', 'one', 'busybox', 'hostname', '-i'], ['start', '-a', 'one']],
];

for (const [title, ...commands] of OTHERS) {
  test(`without Node: ${title}`, async () => {
    const last = commands.at(-1) ?? [];
    for (const args of commands) assert.equal(home.byAny(args).status, 0);
    await waitUntil('it has ended', () => running().length === 0);
    for (let time = 0; time < 3; time++) {
      const { status, stderr } = await home.byFrontSoon(last);
      assert.deepEqual([stderr, status], ['', 0]);
    }
  });
}

test('where a step for the holder fails, Node makes it', async () => {
  const args = ['run', '-d', '--name', 'one', ...SLEEP];
  assert.equal(home.byAny(args).status, 0);
  await removeAll();
  assert.ok(home.isFronted(args));
  await removeAll();
  for (const name of readdirSync(templates))
    change(join(templates, name), (bytes) => {
      const at = bytes.indexOf('priority srcnat');
      if (at >= 0) bytes.write('priority nothin', at);
    });
  assert.match(home.byFront(args).stderr, NO_NODE);
  await waitUntil('nothing is left of it', () => running().length === 0);
  assert.equal(readFileSync(join(networks, 'holder'), 'utf8'), '');
  const { status, stderr } = home.byAny(args);
  assert.deepEqual([stderr, status], ['', 0]);
  await removeAll();
  assert.ok(home.isFronted(args), 'there is no new template');
});

test('what was left of containers that were killed is removed by Node first', async () => {
  const args = ['run', '-d', '--name', 'one', '--network', 'shop', ...SLEEP];
  assert.equal(home.byAny(args).status, 0);
  await removeAll();
  for (const left of ['leases/1000007,gone,10.68.5.2', 'names/shop/gone']) {
    writeFileSync(join(networks, left), '');
    assert.match(home.byFront(args).stderr, NO_NODE, left);
    assert.equal(home.byAny(args).status, 0);
    assert.ok(!existsSync(join(networks, left)), left);
    await removeAll();
    assert.ok(home.isFronted(args), left);
    await removeAll();
  }
});

const crashes = new CrashHome();
crashes.env.FOSTER_NETWORK = 'bridge';
const WALK = { args: ['run', '-d', '--name', 'web', ...SLEEP], least: 4, only: /network|lease/ };

test(titleOf(WALK), async () => {
  crashes.must(['run', '--rm', '--network', 'none', 'busybox', 'true']); // builds the root filesystem
  await killAtEachStep(crashes, WALK, (what) => crashes.assertRecovers(what));
  await waitUntil('the holder has ended', () => running().length === 0);
});
