import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER, Home, type Result } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** foster explain. */
const home = new Home();
const containers = new Containers(home);
after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

/** An ESC sequence, a line break, and what is markup in HTML and Markdown. */
const EVIL = '\x1b[2J<b>|`x`|</b>\n# big';

function explain(...args: string[]): Result {
  return home.foster(['explain', ...args]);
}

function dataOf(...args: string[]) {
  const { stdout, stderr, status } = explain('--format', 'json', ...args);
  assert.deepEqual([stderr, status], ['', 0]);
  return JSON.parse(stdout);
}

function assertFits({ stdout, status, stderr }: Result): void {
  assert.equal(status, 0, stderr);
  assert.deepEqual(
    stdout.split('\n').filter((line) => line.length > 80),
    [],
  );
  assert.equal(/[^\n\P{Cc}]/u.exec(stdout), null);
}

const folder = (name: string) =>
  join('/proc', String(containers.ok('inspect', '-f', '{{.State.Pid}}', name).trim()));

test('without arguments it lists the topics and what else there is', () => {
  const result = explain();
  assertFits(result);
  for (const word of ['zombie', 'pivot_root', 'foster explain --diff A B'])
    assert.ok(result.stdout.includes(word));
  assert.match(home.foster(['explain'], { env: { LC_ALL: 'zh_CN.UTF-8' } }).stdout, /进程/);
});

test('run is explained by the steps of the plan, and nothing is started or left', () => {
  const words = ['-v', `${home.shared}:/work`, '--cap-drop', 'CHOWN', 'busybox', 'true'];
  const planned = JSON.parse(containers.ok('run', '--dry-run', ...words));
  const { steps, mounts, capabilities } = dataOf('run', ...words);
  const calls = (list: { calls: string[] }[]) => list.flatMap((step) => step.calls);
  const mask = (text: string) => text.replace(/[0-9a-f]{64}|\b[0-9a-f]{12}\b/g, 'ID');
  assert.deepEqual(
    calls(steps).map(mask),
    planned.steps.map(({ call }: { call: string }) => mask(call)),
  );
  assert.ok(
    mounts.some(
      ({ target, from }: { target: string; from: string }) => target === '/work' && from === 'bind',
    ),
  );
  assert.ok(!capabilities.effective.includes('CAP_CHOWN'));
  assertFits(explain('run', ...words));
  assert.deepEqual(home.leftFolders(), []);
});

test('a topic shows what its commands print on this machine, and steps of the plan', () => {
  const { trials, steps } = dataOf('mount-namespace');
  assert.equal(trials[0].output[0], '/only-here');
  assert.equal(trials[0].exitCode, 2);
  assert.ok(steps.some(({ why }: { why: string }) => why === 'keep mounts made here from reaching the host'));
  const shown = explain('--no-run', 'zombie');
  assertFits(shown);
  assert.match(shown.stdout, /\$ foster run --rm --no-init busybox/);
  assert.doesNotMatch(shown.stdout, /PID +PPID/);
  assert.deepEqual(home.leftFolders(), []);
});

test('a topic is found by several words, too', () => {
  assert.match(explain('--no-run', 'pid', 'namespace').stdout, /^pid-namespace: /);
});

test('the topics of networks find their steps', () => {
  for (const topic of ['bridge', 'pasta']) assert.ok(dataOf('--no-run', topic).steps.length > 0, topic);
});

test('a container that runs is explained by what the kernel says', async () => {
  containers.ok(
    'run',
    '-d',
    '--name',
    'web',
    '-v',
    'files:/files',
    '--tmpfs',
    '/scratch',
    'busybox',
    'sh',
    '-c',
    'sleep 1000; true',
    EVIL,
  );
  const { namespaces, ids, mounts, capabilities, processes, noNewPrivs, seccomp } = dataOf('web');
  const seen = folder('web');
  assert.equal(ids.uid[0].containerID, 0);
  assert.equal(ids.uid[0].hostID, process.getuid?.());
  for (const { type, inode, whose } of namespaces) {
    const name = { mount: 'mnt', network: 'net' }[String(type)] ?? type;
    assert.equal(readlinkSync(`${seen}/ns/${name}`), `${name}:[${inode}]`);
    assert.equal(whose === 'host', readlinkSync(`/proc/self/ns/${name}`) === `${name}:[${inode}]`, type);
  }
  const from = Object.fromEntries(
    mounts.map((mount: { target: string; from: string }) => [mount.target, mount.from]),
  );
  const { '/': root, '/files': volume, '/scratch': memory, '/proc': kernel, '/etc/hosts': own } = from;
  assert.deepEqual([root, volume, memory, kernel, own], ['layers', 'volume', 'memory', 'kernel', 'foster']);
  assert.equal(from['/proc/keys'], 'mask');
  assert.equal(mounts.length, readFileSync(`${seen}/mountinfo`, 'utf8').trimEnd().split('\n').length);
  assert.equal(capabilities.effective.length, 14);
  assert.deepEqual([noNewPrivs, seccomp], [true, 'filter']);
  assert.equal(processes[0].pid, 1);
  // in the foreground: PID 1 of the namespace cannot end before somebody has reaped it
  const other = home.start([
    '--rm',
    '--name',
    'beside',
    '--pid',
    'container:web',
    'busybox',
    'sh',
    '-c',
    'echo up; sleep 1000',
  ]);
  await other.says('up');
  const beside = dataOf('beside').namespaces;
  other.signal('SIGTERM');
  await other.ended;
  const pids = beside.find(({ type }: { type: string }) => type === 'pid');
  assert.equal(pids.whose, 'container web');
  for (const result of [explain('web'), explain('exec', 'web', 'sh', EVIL), explain('run', 'busybox', EVIL)])
    assertFits(result);
  const page = explain('--format', 'md', 'web').stdout;
  assert.equal(/<b>|^# big|[^\n\P{Cc}]/mu.exec(page), null);
});

test('--diff compares by what the kernel says', () => {
  containers.ok('run', '-d', '--name', 'aa', 'busybox', 'sleep', '1000');
  containers.ok(
    'run',
    '-d',
    '--name',
    'bb',
    '--cap-drop',
    'ALL',
    '--ulimit',
    'nofile=100',
    'busybox',
    'sleep',
    '1000',
  );
  const { differences, shared } = dataOf('--diff', 'aa', 'bb');
  const about = (wanted: string) => differences.filter((one: { about: string }) => one.about === wanted);
  assert.deepEqual(shared, ['time']);
  assert.equal(about('namespaces').length, 7);
  assert.equal(about('capabilities').length, 14);
  assert.deepEqual(about('guards'), []);
  const [{ what, b }] = about('limits');
  assert.deepEqual([what, b], ['open files', '100']);
  assertFits(explain('--diff', 'aa', 'host'));
  const self = dataOf('--diff', 'aa', 'aa');
  assert.deepEqual(self.differences, []);
});

test('a container that has ended is explained by what is known', () => {
  assert.equal(home.run(['--name', 'over', 'busybox', 'sh', '-c', 'kill -9 $$']).status, 137);
  const { status, exitCode, exit, mounts } = dataOf('over');
  assert.deepEqual([status, exitCode], ['exited', 137]);
  assert.match(exit, /SIGKILL/);
  assert.equal(mounts[0].target, '/');
  assertFits(explain('over'));
  const refused = explain('--diff', 'over', 'host');
  assert.deepEqual([refused.status, refused.stdout], [1, '']);
  assert.match(refused.stderr, /container over is not running/);
});

test('a name of several things is said to be one', () => {
  containers.ok('create', '--name', 'cgroup', 'busybox', 'true');
  const { stdout, stderr } = explain('--no-run', 'cgroup');
  assert.match(stdout, /^cgroup: counts and limits/);
  assert.match(
    stderr,
    /cgroup is a topic and a container: this is the topic; --type container explains the other/,
  );
  assert.match(
    explain('--type', 'container', 'cgroup').stdout,
    /^Container cgroup \(\w+\) has not been started/,
  );
});

test('a bundle and a pod are explained', () => {
  const bundle = join(home.shared, 'bundle');
  mkdirSync(join(bundle, 'rootfs'), { recursive: true });
  containers.ok('spec', '-b', bundle);
  const { steps } = dataOf('--bundle', bundle);
  assert.match(steps.at(-1).calls[0], /^execve\(.*\["sh"\]/);
  containers.ok('pod', 'create', '--name', 'group', '--share', 'ipc');
  const { shares, containers: inPod } = dataOf('pod', 'group');
  assert.deepEqual([shares, inPod], [['ipc'], []]);
  containers.ok('pod', 'rm', '-f', 'group');
});

test('a build is explained: what each instruction would do, and how a RUN would be run; nothing is done', () => {
  const folder = join(home.shared, 'build');
  mkdirSync(folder);
  writeFileSync(join(folder, 'app'), 'app');
  const file = (more = '') =>
    writeFileSync(
      join(folder, 'Dockerfile'),
      `FROM localhost/foster/busybox AS base
RUN echo ${EVIL.replace(/\n.*/, '')} >/one
FROM base
COPY --chown=app app /app
RUN --mount=type=cache,target=/cache --network=none adduser -D app
USER app
${more}RUN true
`,
    );
  file();
  const does = () =>
    dataOf('build', folder).steps.map(
      ({ line, does: what }: { line: number; does: string }) => `${line} ${what}`,
    );
  const before = home.leftFolders();
  assert.deepEqual(does(), ['1 pull', '2 layer', '3 stage', '4 layer', '5 layer', '6 config', '7 layer']);
  assert.equal(home.foster(['images', '-q']).stdout, '', 'nothing was built or pulled');
  const explained = explain('build', folder);
  assertFits(explained);
  assert.match(explained.stdout, /Line 2: RUN echo .*\\u001b\[2J/);
  assert.match(explained.stdout, /As in line 2, but for these steps:/);
  assert.match(explained.stdout, /It runs as app, whose id an earlier step decides/);
  writeFileSync(
    join(folder, 'Dockerfile'),
    'FROM localhost/foster/busybox\nRUN echo 1 >/one\nENV A=1\nRUN true\n',
  );
  containers.ok('build', '-q', folder);
  assert.deepEqual(does(), ['1 image', '2 cached', '3 config', '4 unchanged']);
  // the plan is the one of the real run
  writeFileSync(
    join(folder, 'Dockerfile'),
    'FROM localhost/foster/busybox\nRUN echo 1 >/one\nRUN cat /proc/self/mounts\n',
  );
  const [, , last] = dataOf('build', folder).steps;
  assert.equal(last.run.root.layers.length, 2);
  assert.match(JSON.stringify(last.run.steps), /mount the layers|overlay/);
  assert.deepEqual(last.run.command, ['/bin/sh', '-c', 'cat /proc/self/mounts']);
  assert.ok(
    last.run.namespaces.every(
      ({ type, whose }: { type: string; whose: string }) => whose === (type === 'time' ? 'host' : 'own'),
    ),
  );
  for (const [text, message] of [
    ['FROM localhost/foster/busybox\nCOPY missing /\n', /Dockerfile:2: .*missing/],
    ['FROM localhost/foster/busybox\nRUM true\n', /Dockerfile:2: .*RUM/],
  ] as const) {
    writeFileSync(join(folder, 'Dockerfile'), text);
    const { stderr, stdout } = explain('build', folder);
    assert.match(stderr, message);
    assert.equal(stdout, '');
  }
  assert.deepEqual(home.leftFolders(), before);
});

test('in Chinese: everything but the reasons of steps, which is said at the top; data stays as it is', () => {
  containers.ok('create', '--name', 'zh', 'busybox', 'true');
  const english = /[a-z]{3,} [a-z]{3,} [a-z]{3,}/;
  const own = explain('--lang', 'zh', 'zh');
  assertFits(own);
  assert.match(own.stdout, /^容器 zh（\w+）还没有启动：true\n[\s\S]*\n命名空间\n/);
  assert.doesNotMatch(own.stdout, english);
  const run = explain('--lang', 'zh', 'run', 'busybox', 'true');
  assertFits(run);
  assert.match(run.stdout, /^这个容器将运行：true\n {2}各步骤的理由是英文的/);
  assert.match(run.stdout, /PID 1，在它的新命名空间中：\n *\d+ {2}[a-z]/);
  assert.doesNotMatch(run.stdout.slice(0, run.stdout.indexOf('foster，在容器出现之前')), english);
  const data = (lang: string) => JSON.parse(explain('--format', 'json', '--lang', lang, 'zh').stdout);
  assert.deepEqual(data('zh'), data('en'));
});

test('a file of Kubernetes is explained by the pods that it describes', () => {
  const file = join(home.shared, 'pod.yaml');
  const spec =
    'shareProcessNamespace: true, containers: [{name: main, image: busybox, command: [sh, -c, "true <b>"]}]';
  writeFileSync(file, `{apiVersion: v1, kind: Pod, metadata: {name: shop}, spec: {${spec}}}\n`);
  const { pods } = dataOf('kube', file);
  assert.deepEqual(pods[0].shares, ['ipc', 'network', 'uts', 'pid']);
  assert.deepEqual(pods[0].containers[0].command, ['sh', '-c', 'true <b>']);
  assertFits(explain('kube', file));
  writeFileSync(file, '{apiVersion: v1, kind: Pod, metadata: {name: shop}, spec: {nothing: 1}}\n');
  assert.match(explain('kube', file).stderr, /spec: containers is missing/);
});

test('--strace: each step of a run is seen, and nothing else is done without a reason', () => {
  const before = home.leftFolders();
  for (const flags of [
    [],
    ['--tmpfs', '/scratch', '--read-only', '-h', 'name', '--pid', 'host', '-u', 'nobody'],
  ]) {
    const { unseen, others, steps } = dataOf('--strace', 'run', '--rm', ...flags, 'busybox', 'true');
    assert.deepEqual(unseen, []);
    assert.deepEqual(
      others.filter(({ because }: { because?: string }) => because === undefined),
      [],
    );
    assert.match(steps.at(-1).seen.at(-1), /^execve\(.*\["true"\]/);
  }
  assert.deepEqual(home.leftFolders(), before);
});

test('--strace tells what the program prints on standard error, and why there is no run', () => {
  const before = home.leftFolders();
  const { stdout, stderr } = explain(
    '--strace',
    'run',
    '--rm',
    'busybox',
    'sh',
    '-c',
    'echo said; echo wrong >&2',
  );
  assert.equal(stderr, 'said\nwrong\n');
  assert.match(stdout, /strace: pivot_root\("\.", "\."\) = 0/);
  const cases: [string[], RegExp][] = [
    [
      ['--strace', 'run', '--rm', '--sysctl', 'net.no.such=1', 'busybox', 'true'],
      /^foster: cannot set the kernel parameter net.no.such/,
    ],
    [
      ['--strace', 'run', '--rm', '-d', 'busybox', 'true'],
      /--strace can only follow a run in the foreground/,
    ],
    [['--strace', 'zombie'], /--strace needs a run/],
  ];
  for (const [args, message] of cases) {
    const result = explain(...args);
    assert.ok(result.status !== 0 && result.stdout === '');
    assert.match(result.stderr, message);
  }
  const missing = explain('--strace', 'run', '--rm', 'busybox', 'no-such');
  assert.match(missing.stderr, /cannot run "no-such": it is not in any directory of PATH/);
  assert.match(missing.stdout, /ENOENT/);
  assert.deepEqual(home.leftFolders(), before);
});

test('interrupted, it leaves nothing of what it has started', async () => {
  const before = home.leftFolders().length;
  for (const words of [['zombie'], ['--strace', 'run', '--rm', 'busybox', 'sleep', '1000']]) {
    const child = spawn(FOSTER, ['explain', ...words], { env: home.env, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await waitUntil('a container is there', () => home.leftFolders().length > before);
    child.kill('SIGTERM');
    await ended;
    await waitUntil('nothing is left', () => home.leftFolders().length === before);
  }
});

test('wrong input is refused with a sentence', () => {
  const cases: [string[], RegExp][] = [
    [['no-such'], /no such topic, container or pod: no-such; 'foster explain' lists/],
    [['--type', 'topic', 'no-such'], /no such topic/],
    [['zombei'], /no such topic, container or pod: zombei; did you mean zombie\?/],
    [['build', 'no-such-folder'], /no-such-folder/],
    [['--type', 'image', 'x'], /--type 'image': expected topic, container or pod/],
    [['--format', 'xml', 'x'], /--format 'xml': expected text, json or md/],
    [['--lang', 'fr'], /--lang 'fr': expected en or zh/],
    [['a', 'b'], /takes one name, and not also 'b'/],
    [['--diff', 'a'], /--diff needs two names/],
    [['run'], /missing required argument 'ROOT'; see 'foster explain run --help'/],
    [['exec', 'nobody', 'sh'], /no such container: nobody/],
    [['run', '--pod', 'new:x', 'busybox'], /cannot explain a run with --pod new:NAME/],
  ];
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = explain(...args);
    assert.ok(status !== 0 && stdout === '', args.join(' '));
    assert.match(stderr, message);
  }
});
