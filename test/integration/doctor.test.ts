/** What foster doctor says to a user about what a user can break; the rest is in doctor.root.test.ts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { FOSTER, Home } from './support/foster.js';
import { Tmux } from './support/tmux.js';

const home = new Home();
const data = join(home.folder, 'data/foster');
const FOLDERS = ['data-folder', 'cache-folder', 'runtime-folder'];

interface Report {
  name: string;
  level: 'ok' | 'warn' | 'fail';
  found: string;
  mend?: { who: string; command?: string; advice?: string }[];
  fixed?: string[];
}

function reportsIn(json: string): Record<string, Report> {
  const { checks } = JSON.parse(json) as { checks: Report[] };
  return Object.fromEntries(checks.map((each) => [each.name, each]));
}

/** Runs a script in a user namespace in which the user is root. */
function inNamespace(script: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync('unshare', ['-rm', 'sh', '-ec', script, FOSTER, ...args], {
    env: home.env,
    encoding: 'utf8',
    timeout: DEADLINE,
  });
  assert.equal(stderr, '');
  return { status, stdout };
}

test('all checks: one line each within 80 columns, what they mean, a summary; and nothing is changed', () => {
  const before = readdirSync(home.folder, { recursive: true });
  const { status, stdout, stderr } = home.foster(['doctor']);
  assert.equal(stderr, '');
  const [summary = ''] = stdout.trimEnd().split('\n').slice(-1);
  const failures = Number(/^\d+ ok, \d+ warnings?, (\d+) failures?$/.exec(summary)?.[1]);
  assert.equal(status, failures === 0 ? 0 : 1, stdout);
  assert.match(stdout, /^ok {4}node +Node v\d+/m);
  const long = stdout
    .split('\n')
    .filter((line) => line.length > 80 && !/^ +(as root: )?[a-z]+ -?/.test(line));
  assert.deepEqual(long, []);
  assert.ok(!stdout.includes('\u001b'), 'no colours in a pipe');
  assert.deepEqual(readdirSync(home.folder, { recursive: true }), before);
});

test('in a narrow terminal, what was found is below the name of the check', async () => {
  const person = new Tmux(home, { columns: 20, rows: 30 });
  try {
    person.types('foster doctor clock');
    await person.sees(/^ok {4}clock\n {2}it is \d{4}-\d\d-\d\d$/m);
  } finally {
    person.leaves();
  }
});

test('wrong arguments', () => {
  for (const [args, message] of [
    [['clokc'], /^foster: there is no check 'clokc'; there are node, kernel, /],
    [['--format', 'xml'], /^foster: --format 'xml': expected json\n$/],
    [['--timeout', '-1'], /^foster: --timeout '-1': expected a number of seconds\n$/],
  ] as const) {
    const { status, stdout, stderr } = home.foster(['doctor', ...args]);
    assert.deepEqual([status, stdout], [125, '']);
    assert.match(stderr, message);
  }
});

test('user namespaces are turned off, or there are few', () => {
  const look = (number: number) =>
    inNamespace(
      `echo ${number} >/proc/sys/user/max_user_namespaces; exec "$0" doctor --json user-namespaces`,
    );
  const none = look(0);
  assert.equal(none.status, 1);
  const report = reportsIn(none.stdout)['user-namespaces'];
  assert.match(
    report?.found ?? '',
    /no space left on device \(ENOSPC\): user namespaces are turned off here$/,
  );
  assert.deepEqual(report?.mend, [{ who: 'root', command: 'sysctl -w user.max_user_namespaces=15000' }]);
  const few = look(5);
  assert.equal(few.status, 0);
  assert.match(
    reportsIn(few.stdout)['user-namespaces']?.found ?? '',
    /^can be made, .*but at most 5 of them$/,
  );
});

test('--fix makes folders and changes modes, says so, and leaves everything else', () => {
  mkdirSync(data, { recursive: true });
  chmodSync(data, 0o777);
  const cache = join(home.folder, 'cache/foster');
  mkdirSync(cache, { recursive: true });
  chmodSync(cache, 0o500);
  const env = { XDG_CACHE_HOME: join(home.folder, 'cache'), XDG_RUNTIME_DIR: join(home.folder, 'gone') };
  const look = (...args: string[]) => home.foster(['doctor', ...args, ...FOLDERS], { env });
  const broken = look();
  assert.equal(broken.status, 1);
  const text = broken.stdout.replace(/\s+/g, ' ');
  assert.match(text, /fail data-folder \S+: other users can write to it foster keeps/);
  assert.match(text, /warn cache-folder \S+ has the mode 500: you may not use it/);
  assert.match(text, /warn runtime-folder XDG_RUNTIME_DIR is \S+, which does not exist/);
  assert.equal(broken.stdout.match(/or: foster doctor --fix/g)?.length, 3);
  assert.equal(statSync(data).mode & 0o777, 0o777);
  const fixed = look('--fix', '--json');
  assert.equal(fixed.status, 0);
  const reports = reportsIn(fixed.stdout);
  assert.deepEqual(
    FOLDERS.map((name) => [reports[name]?.level, reports[name]?.fixed]),
    [
      ['ok', [`set the mode of ${data} to 755`]],
      ['ok', [`set the mode of ${cache} to 700`]],
      ['ok', [`made ${join(home.folder, 'gone')} with the mode 700`]],
    ],
  );
  assert.equal(statSync(data).mode & 0o777, 0o755);
  const again = look('--fix');
  assert.deepEqual([again.status, again.stdout.includes('fixed')], [0, false]);
  rmSync(join(home.folder, 'cache'), { recursive: true });
});

test('folders that are named by relative paths, that cannot be made, that are files', () => {
  const look = (env: Record<string, string>) =>
    reportsIn(home.foster(['doctor', '--json', ...FOLDERS], { env, cwd: '/' }).stdout);
  const relative = look({ XDG_DATA_HOME: 'here', XDG_RUNTIME_DIR: 'run' });
  assert.match(relative['data-folder']?.found ?? '', /^XDG_DATA_HOME is a relative path, and ignored$/);
  assert.equal(relative['runtime-folder']?.level, 'warn');
  assert.equal(look({ XDG_DATA_HOME: '/proc/none' })['data-folder']?.level, 'fail');
  assert.match(look({ XDG_RUNTIME_DIR: '/etc/passwd' })['runtime-folder']?.found ?? '', /is not a folder$/);
});

test('in a container, whose seccomp filter forbids namespaces', () => {
  const folders = ['/usr', '/lib', '/lib64'].filter((path) => existsSync(path));
  const { stdout, stderr } = home.run([
    ...['--rm', ...folders.flatMap((path) => ['-v', `${path}:${path}:ro`])],
    ...['-v', `${dirname(dirname(FOSTER))}:/tree:ro`, '-v', `${process.execPath}:/node/node:ro`],
    ...['-e', 'PATH=/node:/usr/bin:/bin', 'busybox', `/tree/dist/${basename(FOSTER)}`],
    ...['doctor', '--json', 'container', 'user-namespaces'],
  ]);
  assert.equal(stderr, '');
  const reports = reportsIn(stdout);
  assert.match(reports.container?.found ?? '', /in a container \(podman or foster\), under a seccomp filter/);
  assert.equal(reports.container?.level, 'warn');
  assert.equal(reports['user-namespaces']?.level, 'fail');
  assert.match(
    reports['user-namespaces']?.found ?? '',
    /foster runs under a seccomp filter, as in a container/,
  );
});

/** Mounts a file system whose server never answers, as of one that is gone, and runs a command. */
const DEAD = `
import ctypes, os, sys
server = os.open('/dev/fuse', os.O_RDWR)
os.set_inheritable(server, True)
options = b'fd=%d,rootmode=40000,user_id=0,group_id=0' % server
if ctypes.CDLL(None, use_errno=True).mount(b'dead', sys.argv[1].encode(), b'fuse', 0, options) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[2], sys.argv[2:])
`;

import { DEADLINE } from './support/wait.js';

test('a data folder whose file system does not answer keeps no other check waiting', () => {
  const dead = join(home.folder, 'dead');
  mkdirSync(dead);
  const script = `XDG_DATA_HOME=${dead} exec python3 -c "$1" ${dead} "$0" doctor --json --timeout 15`;
  const { status, stdout } = inNamespace(script, DEAD);
  assert.equal(status, 1);
  const reports = reportsIn(stdout);
  for (const name of ['data-folder', 'disk', 'overlay'])
    assert.match(reports[name]?.found ?? '', /^no answer within 15 s$/, name);
  for (const name of ['node', 'kernel', 'runtime-folder', 'cache-folder', 'seccomp', 'pasta', 'cgroups'])
    assert.doesNotMatch(reports[name]?.found ?? 'no answer', /^no answer/, name);
});
