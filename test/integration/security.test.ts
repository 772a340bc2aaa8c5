import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FOSTER, Home } from './support/foster.js';
import { DEADLINE } from './support/wait.js';

/** What a container must not get hold of, and what a hostile root filesystem must not bring about. */
const home = new Home();
const outside = join(home.folder, 'outside');
mkdirSync(outside);
writeFileSync(join(outside, 'victim'), 'untouched\n');

/** A root filesystem of the test's own, for `change` to spoil. */
function tree(name: string, change: (root: string) => void = () => {}): string {
  home.run(['--rm', 'busybox', 'true']);
  const roots = join(home.folder, 'data/foster/roots');
  const recipe = readdirSync(roots).find((entry) => entry.startsWith('recipe-busybox')) ?? '';
  const root = join(home.folder, name);
  cpSync(join(roots, recipe, 'rootfs'), root, { recursive: true, verbatimSymlinks: true });
  change(root);
  return root;
}

function assertOutsideUntouched(): void {
  assert.deepEqual(readdirSync(outside), ['victim']);
  assert.equal(readFileSync(join(outside, 'victim'), 'utf8'), 'untouched\n');
}

test('no descriptor of the caller is inherited', () => {
  const secret = openSync('/etc/passwd', 'r');
  // PID 1 closes the pipe by which it learns that its child runs a program a moment after that.
  const script = 'ls /proc/self/fd; until [ "$(ls /proc/1/fd)" = 3 ]; do sleep 0.05; done';
  const { stdout, status } = spawnSync(FOSTER, ['run', '--rm', 'busybox', 'sh', '-c', script], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'pipe', secret, secret, secret, secret, secret, secret, secret],
    encoding: 'utf8',
    timeout: DEADLINE,
    killSignal: 'SIGKILL',
  });
  assert.equal(status, 0, 'PID 1 has its control socket only');
  // 3 is what ls itself opens to list the folder.
  assert.equal(stdout, '0\n1\n2\n3\n');
});

test("no working directory of the host's gets in, nor by /proc", () => {
  const { stdout } = home.shell('pwd; readlink /proc/self/cwd; cat ./victim; cat /proc/1/cwd/victim', [], {
    cwd: outside,
  });
  assert.equal(stdout, '/\n/\n');
});

test('PID 1 is out of reach, and names no file of the host', () => {
  const { stdout } = home.shell(
    'readlink /proc/1/exe; cat /proc/1/environ; ls /proc/1/root/; cat /proc/1/maps; tr "\\0" " " < /proc/1/cmdline',
  );
  assert.equal(stdout.trim(), 'foster-init');
});

test('no new privileges: a setuid program runs without them', () => {
  const root = tree('setuid', (path) => {
    const source =
      '#include <stdio.h>\n#include <unistd.h>\nint main(void) { return printf("%d", geteuid()) < 0; }';
    const program = join(path, 'bin/euid');
    execFileSync('gcc', ['-static', '-x', 'c', '-', '-o', program], { input: source });
    chmodSync(program, 0o4755);
  });
  const id = (...flags: string[]) => home.run(['--rm', '-u', '1000', ...flags, root, 'euid']).stdout;
  assert.equal(id(), '1000');
  assert.equal(
    id('--security-opt', 'no-new-privileges=false'),
    '0',
    'else the test above would show nothing',
  );
});

test('the seccomp filter is active: calls that containers do not need are refused', () => {
  const status = home.shell('grep ^Seccomp: /proc/self/status').stdout.trim();
  assert.equal(status, 'Seccomp:\t2');
  const { stdout, stderr } = home.shell('unshare -U true; echo $?; mount -t tmpfs x /tmp; echo $?');
  assert.equal(stdout, '1\n1\n');
  assert.match(stderr, /not permitted/);
  const free = home.shell('unshare -U true; echo $?; grep ^Seccomp: /proc/self/status', [
    '--security-opt',
    'seccomp=unconfined',
  ]);
  assert.equal(free.stdout, '0\nSeccomp:\t0\n');
});

test("the session keyring is not the caller's", () => {
  const source = `#include <stdio.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    int main(void) { return printf("%ld", syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* of the session */, 0)) < 0; }`;
  const program = join(home.folder, 'keyring');
  execFileSync('gcc', ['-static', '-x', 'c', '-', '-o', program], { input: source });
  const ours = execFileSync(program, { encoding: 'utf8' });
  const flags = ['-v', `${program}:/keyring:ro`];
  const theirs = home.run([
    '--rm',
    ...flags,
    '--security-opt',
    'seccomp=unconfined',
    'busybox',
    '/keyring',
  ]).stdout;
  assert.match(ours, /^[1-9]\d*$/);
  assert.match(theirs, /^[1-9]\d*$/);
  assert.notEqual(theirs, ours);
  assert.equal(
    home.run(['--rm', ...flags, 'busybox', '/keyring']).stdout,
    '-1',
    'and the filter refuses the call',
  );
});

test('the root filesystem is not written to, whatever the container does', () => {
  const root = tree('written');
  const look = () => execFileSync('find', [root, '-printf', '%P %s %m %U %T@\\n'], { encoding: 'utf8' });
  const before = look();
  const script =
    'echo x > /etc/passwd; rm -rf /home /var; chmod 777 /root; touch /new; ln /bin/busybox /hard; chown 5 /tmp';
  assert.equal(
    home.run(['--rm', '-w', '/made', '-v', `${outside}:/mounted`, root, 'sh', '-c', script]).status,
    0,
  );
  assert.equal(look(), before);
});

for (const link of [outside, '../../../../../../../..', '/proc/1/root', '/proc/self/cwd']) {
  test(`folders that are links to ${link === outside ? 'a folder of the host' : link} lead nowhere`, async () => {
    for (const folder of ['proc', 'sys', 'dev', 'etc', 'bin/..', 'tmp']) {
      const root = tree('linked', (path) => {
        const place = join(path, folder === 'bin/..' ? 'opt' : folder);
        renameSync(place, `${place}.away`);
        symlinkSync(link, place);
      });
      // It may work, or be refused in one sentence: nothing of the host may be seen or changed by it.
      const script =
        'ls /etc/victim /tmp/victim /opt/victim; echo x > /tmp/victim; echo x > /opt/victim; ls -d /tmp/work';
      const flags = ['-v', `${home.shared}:/opt/made/here`, '--tmpfs', '/tmp/fresh', '-w', '/etc/deep/work'];
      const { status, stdout, stderr } = home.run([
        '--rm',
        ...flags,
        root,
        '/bin/busybox',
        'sh',
        '-c',
        script,
      ]);
      if (status === 125) assert.match(stderr, /^foster: cannot [^\n]*\n$/);
      assert.ok(!stdout.includes('victim'), stdout);
      assertOutsideUntouched();
      assert.deepEqual(readdirSync(home.shared), []);
      rmSync(root, { recursive: true, force: true });
    }
    await home.assertNothingLeft();
  });
}

test('files such as /etc/hosts that are links to the host are replaced, not written through', () => {
  const root = tree('linked-files', (path) => {
    for (const name of ['hosts', 'hostname', 'resolv.conf', 'passwd']) {
      rmSync(join(path, 'etc', name), { force: true });
      symlinkSync(join(outside, 'victim'), join(path, 'etc', name));
    }
  });
  const { stdout, status } = home.run([
    '--rm',
    '-h',
    'own',
    root,
    'sh',
    '-c',
    'cat /etc/hostname; cat /etc/passwd 2>/dev/null; echo x > /etc/hosts',
  ]);
  assert.deepEqual([stdout, status], ['own\n', 0]);
  // As the caller himself, for whom foster writes into /etc/passwd.
  assert.equal(home.run(['--rm', '--userns', 'keep-id', root, 'true']).status, 0);
  assertOutsideUntouched();
});

test('a FIFO instead of a file does not block', () => {
  const root = tree('fifo', (path) => {
    for (const name of ['hosts', 'passwd', 'group']) {
      rmSync(join(path, 'etc', name), { force: true });
      execFileSync('mkfifo', [join(path, 'etc', name)]);
    }
  });
  assert.equal(
    home.run(['--rm', '--userns', 'keep-id', root, 'head', '-n', '1', '/etc/hosts']).stdout,
    '127.0.0.1\tlocalhost\n',
  );
});

test('-v below a link of the root filesystem stays inside', () => {
  const root = tree('escape', (path) => symlinkSync(outside, join(path, 'escape')));
  const refused = home.run(['--rm', '-v', `${home.shared}:/escape/new`, root, 'true']);
  assert.equal(refused.status, 125);
  assert.match(
    refused.stderr,
    /^foster: cannot mount .* a symbolic link in its path leads to nothing in the container\n$/,
  );
  mkdirSync(join(root, outside), { recursive: true });
  assert.equal(
    home.run(['--rm', '-v', `${home.shared}:/escape/new`, root, 'ls', `${outside}`]).stdout,
    'new\n',
  );
  assertOutsideUntouched();
});

test('names of processes, files and variables cannot control the terminal', () => {
  const { stderr } = home.run(['--rm', 'busybox', '\x1b[2Jevil']);
  assert.ok(!stderr.includes('\x1b'), JSON.stringify(stderr));
  const flag = home.run(['--rm', '--name', '\x1b[2J', 'busybox']);
  assert.ok(!flag.stderr.includes('\x1b'), JSON.stringify(flag.stderr));
});
