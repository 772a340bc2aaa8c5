import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { after, test } from 'node:test';
import { Home } from './support/foster.js';

/** Networks of root's containers that foster has not made. */
const home = new Home();

const NAME = `foster-test-${process.pid}`;
const PATH = `/run/netns/${NAME}`;

test("a network namespace of the machine can be joined in the machine's user namespace", () => {
  execFileSync('ip', ['netns', 'add', NAME]);
  after(() => execFileSync('ip', ['netns', 'delete', NAME]));
  const flags = ['--network', `ns:${PATH}`];
  const refused = home.shell('true', flags);
  assert.match(refused.stderr, /: it belongs to the user namespace of the machine, .*; use --userns host\n$/);
  const { stdout, stderr } = home.shell('readlink /proc/self/ns/net', ['--userns', 'host', ...flags]);
  assert.deepEqual([stderr, stdout], ['', `net:[${statSync(PATH).ino}]\n`]);
});

test('a container with users of its own can have a pasta of its own, and another can join its network', async () => {
  const { stdout, stderr } = home.shell('ip route', ['--network', 'pasta']);
  assert.equal(stderr, '');
  assert.match(stdout, /^default via /);
  assert.equal(
    home.run(['-d', '--name', 'first', '--network', 'pasta', 'busybox', 'sleep', '1000']).status,
    0,
  );
  const pid = home.foster(['inspect', '-f', '{{.State.Pid}}', 'first']).stdout.trim();
  assert.equal(home.shell('ip route', ['--network', `ns:/proc/${pid}/ns/net`]).stdout, stdout);
  assert.equal(home.foster(['rm', '-f', '-t', '0', 'first']).status, 0);
  const host = home.shell('true', ['--network', 'pasta', '--userns', 'host']);
  assert.match(host.stderr, /^foster: --network pasta and --userns host cannot be used together; /);
  await home.assertNothingLeft();
});
