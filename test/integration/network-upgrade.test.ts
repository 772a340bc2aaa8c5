/** A network holder that another version of foster has started, and that still runs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, test } from 'node:test';
import { wire } from '../../src/sys/wire-constants.js';
import { Containers } from './support/containers.js';
import { FOSTER, Home } from './support/foster.js';

const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';
const containers = new Containers(home);
const ok = (...args: string[]) => containers.ok(...args).trimEnd();
const SLEEP = ['busybox', 'sleep', '1000'];
const FILE = join(home.folder, 'data/foster/networks/holder');

ok('network', 'create', '--subnet', '10.68.1.0/24', 'front');
ok('network', 'create', '--subnet', '10.68.2.0/24', 'back');

afterEach(() => containers.removeAll());

interface State {
  pid: number;
  layout?: number;
  prepared?: string;
  resolvers?: unknown;
}

/** Returns what it was before. */
function change(how: (state: State) => void): State {
  const text = readFileSync(FILE, 'utf8');
  const state: State = JSON.parse(text);
  how(state);
  writeFileSync(FILE, JSON.stringify(state));
  return JSON.parse(text);
}

const ENTER = `
import os, sys
pid, init = int(sys.argv[1]), sys.argv[2]
os.dup2(os.pidfd_open(pid), 7)
os.dup2(os.open('/usr/sbin/nft', os.O_RDONLY), 8)
os.execv(init, ['foster-init', 'enter', 'un', 'nft', '-f', '-'])
`;

/** Runs nft(8) in the network holder, with its rights: nsenter(1) would lose them. */
function nft(commands: string): string {
  const { pid } = change(() => {});
  const init = join(dirname(FOSTER), process.arch, 'foster-init');
  const { status, stdout, stderr } = spawnSync('python3', ['-c', ENTER, String(pid), init], {
    input: commands,
    encoding: 'utf8',
  });
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout;
}

const reaches = (from: string, to: string, seconds = 30) =>
  home.foster(['exec', from, 'ping', '-4', '-c', '1', '-W', `${seconds}`, to]).status === 0;

test('one that lacks rules is completed: names and ports work, and networks are kept apart', async () => {
  ok('run', '-d', '--name', 'web', '--network', 'front', ...SLEEP);
  ok('run', '-d', '--name', 'both', '--network', 'front', '--network', 'back', ...SLEEP);
  nft('delete table inet foster\nadd table inet foster\n');
  change((state) => {
    delete state.prepared;
  });
  ok('run', '-d', '--name', 'sql', '--network', 'back', '-p', '127.0.0.1::80', ...SLEEP);
  ok('run', '-d', '--name', 'more', '--network', 'back', '--network', 'front', ...SLEEP);
  for (const container of ['both', 'more'])
    assert.deepEqual([reaches(container, 'web'), reaches(container, 'sql')], [true, true], container);
  const address = (name: string, network: string) =>
    ok('inspect', '-f', `{{.NetworkSettings.Networks.${network}.IPAddress}}`, name);
  assert.equal(reaches('web', address('both', 'front')), true);
  assert.equal(reaches('web', address('sql', 'back'), 3), false);
  const rules = nft('list ruleset\n');
  assert.equal(rules.match(/snat ip to 169\.254\.249\.2/g)?.length, 1);
  assert.equal(rules.match(/ip saddr 10\.68\.1\.0\/24 oifname/g)?.length, 1);
});

test('where the earlier one has started pasta, packets keep the addresses of its interface', () => {
  ok('run', '-d', '--name', 'web', '--network', 'front', ...SLEEP);
  change((state) => {
    state.layout = 2;
    delete state.prepared;
  });
  ok('run', '-d', '--name', 'sql', '--network', 'back', ...SLEEP);
  const rules = nft('list ruleset\n');
  assert.equal(rules.match(/oifname "outside" masquerade/g)?.length, 1);
  assert.doesNotMatch(rules, /snat/);
});

test('one that cannot be completed is not used, and the error says what to do', () => {
  ok('run', '-d', '--name', 'web', '--network', 'front', ...SLEEP);
  const { layout } = change((state) => {
    delete state.layout; // the first foster had none
  });
  assert.match(home.foster(['network', 'connect', 'back', 'web']).stderr, /an older version of foster/);
  assert.ok(layout !== undefined && layout > 1);
  change((state) => {
    state.layout = 1_000_000;
  });
  for (const args of [
    ['run', '--network', 'back', 'busybox', 'true'],
    ['network', 'connect', 'back', 'web'],
  ]) {
    const { status, stderr } = home.foster(args);
    assert.match(stderr, /^foster: cannot use the networks: a newer version of foster has started .*; /);
    assert.notEqual(status, 0);
  }
  const stderr = home.foster(['run', '--network', 'back', 'busybox', 'true']).stderr;
  const [, advice = ''] = /stop all these containers first: foster (.*)/.exec(stderr) ?? [];
  ok(...advice.trim().split(' '));
  ok('start', 'web');
  ok('network', 'connect', 'back', 'web');
});

test('the networks of a container that another version has started are not changed while it runs', () => {
  // what differs is what commands look at; a test cannot have a monitor that really reads nothing of ours
  const other = join(home.folder, 'other');
  cpSync(dirname(FOSTER), other, { recursive: true });
  symlinkSync(join(process.cwd(), 'node_modules'), join(home.folder, 'node_modules'));
  const init = join(other, process.arch, 'foster-init');
  const bytes = readFileSync(init);
  const at = bytes.indexOf(`foster wire ${wire.VERSION}\0`);
  assert.ok(at > 0);
  bytes.write('F', at);
  writeFileSync(init, bytes);
  const args = ['run', '-d', '--name', 'web', '--restart', 'always', '--network', 'front', ...SLEEP];
  const { status, stderr } = spawnSync(join(other, 'foster'), args, { env: home.env, encoding: 'utf8' });
  assert.deepEqual([stderr, status], ['', 0]);
  const networks = () =>
    ok('inspect', '-f', '{{range $name, $one := .NetworkSettings.Networks}}{{$name}} {{end}}', 'web');
  for (const change of [['connect', 'back'] as const, ['disconnect', 'front'] as const]) {
    const refused = home.foster(['network', ...change, 'web']);
    assert.match(
      refused.stderr,
      /^foster: cannot change the networks of container web while it runs: another version .*; start it anew: foster restart web$/m,
    );
    assert.equal(refused.status, 1);
    assert.equal(networks(), 'front');
  }
  ok('restart', '-t', '0', 'web');
  ok('network', 'connect', 'back', 'web');
  assert.equal(networks(), 'back front');
});

test('nothing is left', async () => {
  await home.assertNothingLeft();
});
