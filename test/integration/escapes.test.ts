import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home, type Result } from './support/foster.js';

/** What an image, a container or a path contains must not drive the terminal of who looks at it. */
const home = new Home();
const containers = new Containers(home);
after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

/** CSI in seven and in eight bits, DEL, a carriage return, OSC with BEL, and what turns the order of letters round. */
const EVIL = 'a\x1b[2Jb\x9bc\x7fd\re\x1b]0;f\x07g\u202eh';

function assertTame({ stdout, stderr }: Result, what: string): void {
  const wild = /[^\n\t\P{Cc}]|[\u202a-\u202e\u2066-\u2069]/u.exec(stdout + stderr);
  assert.equal(wild, null, `${what}: ${JSON.stringify(wild?.[0])} in ${JSON.stringify(stdout + stderr)}`);
}

/** A root filesystem below a directory with such a name, and with such names in it. */
function hostileRoot(): string {
  containers.ok('run', '--name', 'plain', 'busybox', 'true');
  const archive = join(home.shared, 'root.tar');
  containers.ok('export', '-o', archive, 'plain');
  containers.ok('rm', 'plain');
  const root = join(home.shared, EVIL);
  mkdirSync(root);
  const { status } = home.shell(`tar -C /out -xf /in/root.tar bin lib 2>/dev/null; ls /out/bin/busybox`, [
    '-v',
    `${home.shared}:/in`,
    '-v',
    `${root}:/out`,
  ]);
  assert.equal(status, 0);
  mkdirSync(join(root, 'etc'));
  return root;
}

test('control characters are escaped by all commands', async () => {
  const root = hostileRoot();
  const flags = ['--label', `${EVIL}=${EVIL}`, '-e', `EVIL=${EVIL}`, '-e', 'TERM=dumb'];
  const script = `cp /bin/busybox "/tmp/$EVIL" 2>/dev/null; touch "/$EVIL"; echo "$EVIL"; exec "/bin/busybox" sleep 600`;
  const runs: [string, string[]][] = [
    ['--explain', ['run', '--rm', '--explain', ...flags, root, '/bin/busybox', 'true', EVIL]],
    ['--dry-run', ['run', '--rm', '--dry-run', ...flags, root, '/bin/busybox', 'true', EVIL]],
    ['no such program', ['run', '--rm', '-e', `PATH=/${EVIL}`, root, EVIL]],
    ['no such path', ['run', '--rm', root, `/${EVIL}`]],
    ['no such image', ['run', '--rm', '--pull', 'never', EVIL]],
    ['run -d', ['run', '-d', '--name', 'one', ...flags, root, '/bin/busybox', 'sh', '-c', script, EVIL]],
  ];
  for (const [what, args] of runs) assertTame(home.foster(args), what);
  await containers.logs('one', 'g');
  const [dry] = [home.foster(['run', '--dry-run', ...flags, root, 'true']).stdout];
  assert.ok(JSON.parse(dry).steps.length > 5, 'what is JSON stays JSON');
  assert.equal(JSON.parse(containers.ok('inspect', 'one'))[0].Config.Labels[EVIL], EVIL, 'and says the same');

  const dockerfile = join(home.shared, 'Dockerfile');
  writeFileSync(dockerfile, `FROM scratch\nLABEL evil="${EVIL.replaceAll('\r', '')}"\n`);
  const looks: string[][] = [
    ['build', '-t', 'evil:1', '-f', dockerfile, home.shared],
    ['commit', '-m', EVIL, '-a', EVIL, 'one', 'evil:2'],
    ['history', '--no-trunc', 'evil:2'],
    ['history', '--no-trunc', '--format', '{{.Comment}} {{.CreatedBy}}', 'evil:2'],
    ['images', '--tree'],
    ['image', 'inspect', 'evil:2'],
    ['image', 'inspect', '-f', '{{.Comment}} {{.Author}}', 'evil:2'],
    ['ps', '-a', '--no-trunc'],
    ['ps', '-a', '--format', '{{.Image}} {{.Command}} {{.Labels}}'],
    ['ps', '-a', '--tree'],
    ['inspect', 'one'],
    ['inspect', '-f', '{{.Config.Env}} {{.Config.Labels}} {{.Args}}', 'one'],
    ['top', 'one'],
    ['top', 'one', '-o', 'pid,args'],
    ['top', '--tree', 'one'],
    ['stats', '--no-stream', 'one'],
    ['diff', 'one'],
    ['events', '--since', '1h', '--until', '0s'],
    ['events', '--since', '1h', '--until', '0s', '--format', '{{.Actor.Attributes}}'],
    ['events', '--since', '1h', '--until', '0s', '--format', 'json'],
    ['cp', `one:/${EVIL}/${EVIL}`, home.shared],
    ['cp', `${EVIL}`, 'one:/'],
    ['exec', 'one', EVIL],
    ['exec', '-w', `/${EVIL}`, 'one', 'true'],
    ['system', 'df', '-v'],
    ['info'],
    ['load', '-i', EVIL],
    ['import', EVIL],
    [EVIL],
    ['ps', `--${EVIL}`],
    ['rm', EVIL],
    ['rm', '-f', EVIL],
    ['pull', EVIL],
    ['--debug', 'logs', EVIL],
  ];
  for (const args of looks) assertTame(home.foster(args), args.join(' '));
});

test('the output of a container is not changed', () => {
  const { stdout } = home.foster(['logs', 'one']);
  assert.ok(stdout.includes(EVIL), JSON.stringify(stdout));
  const archive = home.foster(['export', 'one']).stdout;
  assert.ok(archive.includes(EVIL));
  assert.equal(home.run(['--rm', '-e', `E=${EVIL}`, 'busybox', 'sh', '-c', 'echo "$E"']).stdout, `${EVIL}\n`);
});

test('--init-verbose escapes the names of processes', () => {
  // it gets the name when it has no parent any more: a shell reaps a child of its own that ends before it
  const orphan = 'until grep -q "^PPid:.1$" /proc/$$/status; do sleep 0.05; done; exec "./$E"';
  const script = `cd /tmp; cp /bin/busybox "$E"; (sh -c '${orphan}' 2>/dev/null & echo $! >pid); until [ ! -e /proc/$(cat pid) ]; do sleep 0.05; done`;
  const result = home.run(['--rm', '--init-verbose', '-e', 'E=\x1b[2J\x9bx', 'busybox', 'sh', '-c', script]);
  assert.match(result.stderr, /^foster-init: reaped \d+ \(_\[2J/m);
  assertTame(result, '--init-verbose');
});
