import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER, Home, type Result } from './support/foster.js';
import { compile } from './support/probe.js';

/** What other container runtimes have been attacked with. */
const home = new Home();
const containers = new Containers(home);
const hostile = ['-v', `${compile(home, 'hostile')}:/hostile:ro`];

after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

/** All files that foster consists of, with their content. */
function fosterFiles(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(dirname(FOSTER), { recursive: true, withFileTypes: true })) {
    if (name.isFile()) hash.update(readFileSync(join(name.path, name.name)));
  }
  return hash.update(readFileSync(process.execPath)).digest('hex');
}

/** The file that ends the hostile process of a container. */
const END = '/end';

/** Makes commands go into a container, all at a time, so often that any of them would have been caught. */
async function enter(rounds: number, commands: string[][], check = (_: Result): void => {}): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const result of await Promise.all(commands.map((args) => containers.run(args)))) check(result);
}

/** A root process that may trace, in a container that others enter meanwhile. */
function watching(name: string, flags: string[] = []): void {
  const args = [
    '-d',
    '--name',
    name,
    ...hostile,
    '--cap-add',
    'SYS_PTRACE',
    '--security-opt',
    'seccomp=unconfined',
    ...flags,
  ];
  const { status, stderr } = home.run([...args, 'busybox', '/hostile', 'watch', END]);
  assert.equal(status, 0, stderr);
}

/** Tells it to end. It may do so before the program that tells it has ended. */
function end(name: string): void {
  const { status, stderr } = home.foster(['exec', name, 'touch', END]);
  assert.ok(status === 0 || status === 137, stderr);
}

function assertNothingWasGot(log: string): void {
  assert.doesNotMatch(log, /GOT/);
  // else the test would have shown nothing
  assert.ok(Number(/^seen (\d+)$/m.exec(log)?.[1]) > 0, log);
}

for (const flags of [[], ['--no-init']]) {
  test(`CVE-2016-9962: a process that enters a container cannot be inspected before it is part of it ${flags.join(' ')}`, async () => {
    watching('watcher', flags);
    await containers.logs('watcher', 'ready');
    await enter(15, [
      ['exec', 'watcher', 'true'],
      ['exec', '-u', '1000', 'watcher', 'true'],
      ['exec', '-d', 'watcher', 'true'],
      ['exec', '-t', 'watcher', 'true'],
    ]);
    end('watcher');
    assertNothingWasGot(await containers.logs('watcher', /^seen/m));
    containers.ok('rm', '-f', 'watcher');
  });
}

test('CVE-2016-9962: nor one that joins its PID namespace, nor its health check', async () => {
  watching('joined', ['--health-cmd', 'true', '--health-interval', '20ms']);
  await containers.logs('joined', 'ready');
  await enter(10, [
    ['run', '--rm', '--pid', 'container:joined', 'busybox', 'true'],
    ['run', '--rm', '--no-init', '--pid', 'container:joined', 'busybox', 'true'],
  ]);
  end('joined');
  assertNothingWasGot(await containers.logs('joined', /^seen/m));
});

test('CVE-2019-5736: no program of the host can be written to from a container', async () => {
  const before = fosterFiles();
  containers.detach('writer', `/hostile overwrite ${END}; echo over`, [...hostile, '--cap-add', 'ALL']);
  await containers.logs('writer', 'ready');
  // the program that enters is made to execute itself, from a file of the container that says so
  const script = 'printf "#!/proc/self/exe\\n" > /trap; chmod +x /trap; cp /trap /bin/trapped';
  containers.ok('exec', 'writer', 'sh', '-c', script);
  const commands = [
    ['exec', 'writer', '/trap'],
    ['exec', 'writer', 'trapped'],
    ['exec', '-t', 'writer', '/proc/self/exe'],
  ];
  await enter(10, commands, ({ status }) => assert.notEqual(status, 0));
  end('writer');
  assert.doesNotMatch(await containers.logs('writer', 'over'), /GOT/);
  for (const flags of [[], ['--no-init']]) {
    for (const command of ['/proc/self/exe', '/proc/1/exe']) {
      const result = home.run(['--rm', ...flags, 'busybox', command]);
      assert.notEqual(result.status, 0);
    }
    const shown = home.shell(
      'readlink /proc/1/exe; readlink -f /proc/self/exe; echo x > /proc/1/exe && echo written',
      flags,
    ).stdout;
    assert.doesNotMatch(shown, /written|\/work|dist|home/);
  }
  assert.equal(fosterFiles(), before);
  assert.equal(home.run(['--rm', 'busybox', 'true']).status, 0);
});

test('CVE-2024-21626: no working directory leads to the host through an open descriptor', async () => {
  const marker = 'this is the host';
  writeFileSync(join(home.folder, 'marker'), marker);
  containers.detach('plain', 'sleep 1000');
  // foster itself is started with such descriptors, and in a folder of the host
  const script =
    'cd "$1"; shift; exec 3<. 4<. 5<. 6<. 7<. 8<. 9<. 10</ 11</ 12</ 13</ 14</ 15</ 16</; exec "$@"';
  const foster = (...args: string[]) => {
    try {
      return execFileSync('bash', ['-c', script, 'bash', home.folder, FOSTER, ...args], {
        env: home.env,
        encoding: 'utf8',
        stdio: 'pipe',
      });
    } catch (error) {
      return String((error as { stdout?: string }).stdout ?? '');
    }
  };
  const probing =
    'cat marker ../marker 2>/dev/null; ls -d proc/self/../../tmp/foster* 2>/dev/null; for up in . .. ../.. ../../..; do cat $up/etc/shadow $up/etc/machine-id 2>/dev/null; done; ls -l /proc/self/fd 2>/dev/null';
  const check = (output: string, what: string) => {
    assert.ok(!output.includes(marker), `${what}: ${output}`);
    assert.doesNotMatch(output, /root:|foster-home|^[0-9a-f]{32}$/m, what);
    for (const match of output.matchAll(/ (\d+) -> (\S+)/g)) {
      assert.ok(Number(match[1]) <= 2 || /^\/proc\/\d+\/fd$/.test(match[2] ?? ''), `${what}: ${match[0]}`);
    }
  };
  const links = Array.from({ length: 18 }, (_, index) => index + 3);
  const tree = join(home.folder, 'tree');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  writeFileSync(join(tree, 'bin/busybox'), readFileSync('/bin/busybox'), { mode: 0o755 });
  for (const applet of ['sh', 'cat', 'ls']) symlinkSync('busybox', join(tree, 'bin', applet));
  for (const fd of links) symlinkSync(`/proc/self/fd/${fd}`, join(tree, `link${fd}`));
  for (const fd of links) {
    const name = `background-${fd}`;
    const place = `/proc/self/fd/${fd}`;
    check(foster('run', '--rm', '-w', place, 'busybox', 'sh', '-c', probing), `run ${fd}`);
    check(
      foster('run', '--rm', '-w', `/link${fd}`, tree, 'sh', '-c', probing),
      `run, by a link of the image, ${fd}`,
    );
    check(foster('exec', '-w', place, 'plain', 'sh', '-c', probing), `exec ${fd}`);
    check(foster('exec', '-w', `${place}/../../..`, 'plain', 'sh', '-c', probing), `exec above ${fd}`);
    foster('run', '-d', '--name', name, '-w', place, 'busybox', 'sh', '-c', probing);
    await containers.run(['wait', name]);
    check(home.foster(['logs', name]).stdout, `run -d ${fd}`);
  }
});
