import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FOSTER, Home } from './support/foster.js';

/** A machine without the programs that networks need: /dev/null is in their place, in a mount namespace of the command's. */
const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';

const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];

function without(program: string, args: string[]) {
  const places = FOLDERS.map((folder) => join(folder, program)).filter((path) => existsSync(path));
  assert.ok(places.length > 0, `${program} is not installed`);
  const hide = places.map((path) => `mount --bind /dev/null ${path}`).join(' && ');
  return spawnSync('unshare', ['--mount', 'sh', '-c', `${hide} && exec "$@"`, 'sh', FOSTER, ...args], {
    env: home.env,
    encoding: 'utf8',
  });
}

const context = join(home.folder, 'context');

function must(...args: string[]): void {
  const { stderr, status } = home.foster(args);
  assert.equal(status, 0, stderr);
}

test('RUN without pasta or nft: a warning says what is missing, and what does not work', async () => {
  must('create', '--name', 'source', '--network', 'none', 'busybox', 'true');
  must('commit', 'source', 'localhost/base:1');
  must('rm', 'source');
  mkdirSync(context);
  for (const [program, advice] of [
    ['pasta', 'pasta is not installed; apt-get install passt'],
    ['nft', 'nft is not installed; apt-get install nftables'],
  ] as const) {
    writeFileSync(
      join(context, 'Dockerfile'),
      'FROM localhost/base:1\nRUN ip route | grep -c default; exit 3\n',
    );
    const { status, stderr } = without(program, ['build', '--no-cache', '--network', 'default', context]);
    const warning = `foster: warning: containers reach each other, but not the outside: ${advice}\n`;
    assert.ok(stderr.startsWith(warning), stderr);
    assert.match(stderr, /returned a non-zero code: 3\n$/);
    assert.notEqual(status, 0);
    const none = without(program, ['build', '--no-cache', '--network', 'none', context]);
    assert.doesNotMatch(none.stderr, /warning/);
    await home.assertNoProcess();
  }
});

test('without nft there is only one network at a time, because nothing would keep several apart', async () => {
  const first = without('nft', ['run', '-d', '--name', 'first', 'busybox', 'sleep', '1000']);
  const warning = 'nft is not installed; apt-get install nftables';
  assert.deepEqual(
    [first.stderr, first.status],
    [`foster: warning: containers reach each other, but not the outside: ${warning}\n`, 0],
  );
  must('network', 'create', '--internal', 'apart');
  const refusal = (network: string, other: string) =>
    `foster: cannot connect the network ${network}: nothing would keep it apart from ${other}, because ${warning}\n`;
  for (const args of [
    ['run', '--rm', '--network', 'apart', 'busybox', 'true'],
    ['network', 'connect', 'apart', 'first'],
  ])
    assert.ok(without('nft', args).stderr.endsWith(refusal('apart', 'the network bridge')), args.join(' '));
  assert.equal(without('nft', ['run', '--rm', 'busybox', 'ping', '-c', '1', '10.88.0.2']).status, 0);
  // when it is installed, the network holder that runs gets what it lacks
  must('run', '-d', '--name', 'second', '--network', 'apart', 'busybox', 'sleep', '1000');
  const ping = (to: string) => home.foster(['exec', 'second', 'ping', '-c', '1', '-W', '3', to]).status;
  assert.notEqual(ping('10.88.0.2'), 0);
  must('rm', '-f', '-t', '0', 'second');
  must('network', 'rm', 'apart');
  must('network', 'create', '--internal', 'apart');
  const late = without('nft', ['run', '--rm', '--network', 'apart', 'busybox', 'true']);
  assert.ok(late.stderr.endsWith(refusal('apart', 'the outside')), late.stderr);
  must('rm', '-f', '-t', '0', 'first');
  const alone = without('nft', ['run', '--rm', '--network', 'apart', 'busybox', 'true']);
  assert.equal(alone.status, 0, alone.stderr);
  must('network', 'rm', 'apart');
  await home.assertNothingLeft();
});

test('what cannot do without them fails, and says what to install', async () => {
  for (const [program, args, wanted] of [
    [
      'nft',
      ['-p', '17099:80'],
      /^foster: cannot publish ports: nft is not installed; apt-get install nftables\n/m,
    ],
    [
      'pasta',
      ['--network', 'pasta'],
      /^foster: cannot connect the container to the outside: pasta is not installed; apt-get install passt\n/,
    ],
  ] as const) {
    const { status, stderr } = without(program, ['run', '--rm', ...args, 'busybox', 'true']);
    assert.match(stderr, wanted);
    assert.equal(status, 125);
  }
  await home.assertNothingLeft();
});
