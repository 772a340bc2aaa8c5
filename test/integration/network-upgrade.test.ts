/** A network holder that another version of foster has started, and that still runs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, test } from 'node:test';
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

const reaches = (from: string, to: string) =>
  home.foster(['exec', from, 'ping', '-4', '-c', '1', '-W', '3', to]).status === 0;

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
  assert.equal(reaches('web', address('sql', 'back')), false);
  const rules = nft('list ruleset\n');
  assert.equal(rules.match(/masquerade/g)?.length, 1);
  assert.equal(rules.match(/ip saddr 10\.68\.1\.0\/24 oifname/g)?.length, 1);
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

test('nothing is left', async () => {
  await home.assertNothingLeft();
});
