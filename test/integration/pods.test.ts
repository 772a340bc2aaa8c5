import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { freePorts } from './support/ports.js';
import { probe } from './support/probe.js';
import { waitUntil } from './support/wait.js';

/** Pods: containers that share namespaces, which a process of foster holds. */
const home = new Home();
const containers = new Containers(home);
const ok = (...args: string[]) => containers.ok(...args).trimEnd();

const SLEEP = ['busybox', 'sleep', '1000'];
const TYPES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];

afterEach(() => {
  ok('pod', 'rm', '-f', '-t', '0', '--all');
  containers.removeAll();
});

/** Runs a foster command that must fail. Returns its exit code and its message. */
function failure(...args: string[]): { status: number | null; stderr: string } {
  const { status, stderr } = home.foster(args);
  assert.notEqual(status, 0, `foster ${args.join(' ')} has succeeded`);
  return { status, stderr };
}

function start(pod: string, name: string, command = SLEEP, flags: string[] = []): void {
  ok('run', '-d', '--pod', pod, '--name', name, ...flags, ...command);
}

/** The types of namespaces that two containers have in common. */
function common(one: string, other: string): string[] {
  const [a = '', b = ''] = ok('inspect', '-f', '{{.State.Pid}}', one, other).split('\n');
  return TYPES.filter((type) => namespace(a, type) === namespace(b, type));
}

const namespace = (pid: string, type: string) => readlinkSync(`/proc/${pid}/ns/${type}`);
const state = (pod: string) => ok('pod', 'inspect', '-f', '{{.State}}', pod);
const infraOf = (pod: string) => ok('pod', 'inspect', '-f', '{{.InfraContainerID}}', pod);
const inside = (name: string, script: string) => ok('exec', name, 'sh', '-c', script);

/** The processes that a container sees, as `PID PPID COMMAND`. */
function processes(name: string): string[] {
  const lines = ok('exec', name, 'ps', '-o', 'pid,ppid,args').split('\n').slice(1);
  return lines
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => !line.endsWith('ps -o pid,ppid,args'));
}

test('its containers share the network, the IPC and the host name, and nobody else does', async () => {
  ok('pod', 'create', '--name', 'shop');
  start('shop', 'one', ['busybox', 'httpd', '-f', '-p', '127.0.0.1:80', '-h', '/etc']);
  start('shop', 'two');
  ok('run', '-d', '--name', 'stranger', ...SLEEP);
  assert.deepEqual(common('one', 'two'), ['ipc', 'net', 'user', 'uts']);
  assert.deepEqual(common('one', 'stranger'), []);
  const script = `
    echo shared > /dev/shm/file; : > /dev/mqueue/queue; chmod 600 /dev/shm/file; hostname`;
  assert.equal(inside('one', script), 'shop');
  assert.equal(inside('two', 'cat /dev/shm/file; ls /dev/mqueue; hostname'), 'shared\nqueue\nshop');
  assert.equal(inside('stranger', 'ls /dev/shm /dev/mqueue').replace(/\s+/g, ' '), '/dev/mqueue: /dev/shm:');
  // SysV: a program of the host makes a message queue and a segment of shared memory
  const made = home.foster([
    'run',
    '--rm',
    '--pod',
    'shop',
    '-v',
    '/usr:/usr:ro',
    'host',
    'sh',
    '-c',
    'ipcmk -Q && ipcmk -M 4096',
  ]);
  assert.deepEqual([made.stderr, made.status], ['', 0]);
  const objects = (name: string) =>
    inside(name, 'cat /proc/sysvipc/msg /proc/sysvipc/shm').split('\n').length - 2;
  assert.equal(objects('two'), 2);
  assert.equal(objects('stranger'), 0);
  await waitUntil(
    'the server answers',
    () => home.foster(['exec', 'two', 'wget', '-qO-', 'http://127.0.0.1/hostname']).stdout === 'shop\n',
  );
  assert.notEqual(home.foster(['exec', 'stranger', 'wget', '-qO-', 'http://127.0.0.1/hostname']).status, 0);
  assert.match(inside('two', 'cat /etc/hosts'), /^127\.0\.0\.1\ttwo$/m);
});

test('--share names what they share, one by one, all or nothing; the users are always the same', () => {
  const cases: [string, string[]][] = [
    ['net', ['net', 'user']],
    ['ipc', ['ipc', 'user']],
    ['uts', ['user', 'uts']],
    ['pid', ['pid', 'user']],
    ['cgroup', ['cgroup', 'user']],
    ['cgroup,ipc,net,pid,uts', ['cgroup', 'ipc', 'net', 'pid', 'user', 'uts']],
    ['+pid', ['ipc', 'net', 'pid', 'user', 'uts']],
    ['none', ['user']],
  ];
  for (const [share, expected] of cases) {
    ok('pod', 'create', '--name', 'some', '--share', share);
    start('some', 'one');
    start('some', 'two');
    assert.deepEqual(common('one', 'two'), expected, share);
    ok('pod', 'rm', '-f', '-t', '0', 'some');
  }
  ok('pod', 'create', '--name', 'apart');
  start('apart', 'one');
  start('apart', 'two', SLEEP, ['--ipc', 'private', '--uts', 'host']);
  assert.deepEqual(common('one', 'two'), ['net', 'user'], 'an option of a container');
  ok('pod', 'create', '--name', 'loose', '--infra=false');
  start('loose', 'three');
  assert.deepEqual(common('one', 'three'), []);
  assert.equal(state('loose'), 'Running');
  assert.equal(ok('pod', 'inspect', '-f', '{{.InfraContainerID}}|{{.NumContainers}}', 'loose'), '|1');
});

test('with --share pid, PID 1 of the pod adopts and reaps the orphans of all, and a container takes its own with it', async () => {
  ok('pod', 'create', '--name', 'shared', '--share', '+pid');
  start('shared', 'one', [
    'busybox',
    'sh',
    '-c',
    'for i in 1 2 3; do (sleep 0.1 &); done; (sleep 501 &); exec sleep 1001',
  ]);
  start('shared', 'two', ['busybox', 'sh', '-c', '(sleep 502 &); exec sleep 1002'], probe(home));
  ok('exec', '-d', 'one', 'sleep', '503');
  const infra = infraOf('shared');
  await containers.until('the orphans were reaped', infra, ({ orphans }) => (orphans?.reaped ?? 0) >= 3);
  const seen = await waitUntil('all have become what they are', () => {
    const lines = processes('two');
    const has = (command: string) => lines.some((line) => line.endsWith(command));
    const orphans = [501, 502, 503].map((seconds) => ` 1 sleep ${seconds}`);
    return [...orphans, ' sleep 1001', ' sleep 1002'].every(has) && lines;
  });
  assert.match(seen[0] ?? '', /^1 0 foster-init/);
  assert.deepEqual(processes('one'), seen);
  assert.doesNotMatch(ok('exec', 'two', 'ps', '-o', 'stat'), /Z/, 'no zombie is left');
  const rows = ok('pod', 'top', 'shared', 'pid,args')
    .split('\n')
    .map((line) => line.split(/\s{2,}/));
  assert.deepEqual(rows[0], ['CONTAINER', 'PID', 'COMMAND']);
  const owner = (command: string) => rows.find(([, , args]) => args === command)?.[0];
  assert.equal(owner('sleep 501'), 'one');
  assert.equal(owner('sleep 503'), 'one');
  assert.equal(owner('sleep 502'), 'two');
  assert.match(ok('pod', 'top', 'shared').split('\n')[1] ?? '', /-infra +\S+ +1 +0 .*foster-init/);
  assert.equal(ok('top', 'one', '-o', 'args').split('\n').length, 5, 'its own processes only');
  // a process of the pod cannot end the others by a signal to PID 1
  inside('two', 'kill -TERM 1; kill -INT 1; kill -KILL 1; /probe forge');
  ok('stop', 'one');
  assert.deepEqual(
    processes('two').map((line) => line.replace(/^\d+ \d+ (foster-init).*/, '$1').replace(/^\d+ \d+ /, '')),
    ['foster-init', 'foster-init', 'sleep 1002', 'sleep 502'],
  );
  // also a container whose first process is killed takes all of its processes with it
  process.kill(containers.pid('two'), 'SIGKILL');
  await containers.waitFor('two', 'exited');
  assert.equal(ok('pod', 'top', 'shared').split('\n').length, 2);
  assert.equal(state('shared'), 'Degraded');
});

test('a process of the pod sees nothing of a container that is started beside it', () => {
  ok('pod', 'create', '--name', 'curious', '--share', '+pid');
  const look = `while :; do ls -d /proc/[0-9]*/root${home.shared}; ls -l /proc/[0-9]*/fd | grep containers; done 2>/dev/null`;
  start('curious', 'spy', ['busybox', 'sh', '-c', look], ['--cap-add', 'SYS_PTRACE']);
  for (let index = 0; index < 5; index++)
    assert.equal(home.foster(['run', '--rm', '--pod', 'curious', 'busybox', 'true']).status, 0);
  assert.equal(containers.log('spy'), '');
});

test('ports, names and networks belong to the pod', async () => {
  const port = await freePorts();
  ok('network', 'create', 'inner');
  ok(
    'pod',
    'create',
    '--name',
    'web',
    '--network',
    'inner',
    '--network-alias',
    'www',
    '-p',
    `127.0.0.1:${port}:80`,
    '--add-host',
    'far:10.9.8.7',
  );
  start('web', 'server', ['busybox', 'sh', '-c', 'echo hello > /index.html; exec httpd -f -p 80']);
  const fetch = (url: string) =>
    home.run(['--rm', '--network', 'inner', 'busybox', 'wget', '-qO-', url]).stdout;
  await waitUntil('the pod is found by its name', () => fetch('http://web/') === 'hello\n');
  assert.equal(fetch('http://www/'), 'hello\n');
  assert.match(inside('server', 'cat /etc/hosts'), /^10\.9\.8\.7\tfar$/m);
  await waitUntil('the port leads to it', async () => {
    const answer = await globalThis.fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    return (await answer?.text()) === 'hello\n';
  });
  const refused: [string, string[]][] = [
    ['--publish', ['-p', '80']],
    ['--network', ['--network', 'inner']],
    ['--hostname', ['--hostname', 'other']],
    ['--dns', ['--dns', '10.0.0.1']],
    ['--add-host', ['--add-host', 'a:10.0.0.1']],
    ['--userns', ['--userns', 'keep-id']],
  ];
  for (const [flag, words] of refused) {
    const { status, stderr } = failure('run', '--rm', '--pod', 'web', ...words, 'busybox', 'true');
    assert.equal(status, 125, flag);
    assert.match(
      stderr,
      new RegExp(`^foster: ${flag} cannot be used in pod web: .*; give it to foster pod create\n$`),
    );
  }
  assert.match(failure('pod', 'create', '--share', 'ipc', '-p', '80').stderr, /--publish needs --share net/);
  assert.match(failure('network', 'rm', 'inner').stderr, /attached to it/);
  ok('network', 'rm', '-f', '-t', '0', 'inner');
  assert.equal(ok('pod', 'ps', '-q'), '', 'the pod goes with its network');
});

test('volumes, devices and parameters of a pod are for all of its containers', () => {
  ok(
    'pod',
    'create',
    '--name',
    'data',
    '-v',
    'common:/data',
    '--shm-size',
    '1m',
    '--sysctl',
    'net.ipv4.ip_default_ttl=42',
  );
  start('data', 'one');
  start('data', 'two');
  inside('one', 'echo x > /data/file');
  assert.equal(
    inside('two', 'cat /data/file /proc/sys/net/ipv4/ip_default_ttl; df -k /dev/shm | tail -n 1').replace(
      /\s+/g,
      ' ',
    ),
    'x 42 shm 1024 0 1024 0% /dev/shm',
  );
  assert.match(failure('volume', 'rm', 'common').stderr, /is in use|use it|used by/);
  assert.match(failure('pod', 'create', '-v', '/data').stderr, /needs a name/);
});

test('a container that dies is restarted without the others noticing; if the pod dies, all are', async () => {
  ok('pod', 'create', '--name', 'firm', '--restart', 'always', '--share', '+pid');
  start('firm', 'one');
  start('firm', 'two');
  start('firm', 'own', SLEEP, ['--restart', 'no']);
  const untilRestarted = (name: string, times = 1) =>
    containers.until(
      `${name} was restarted`,
      name,
      ({ restarts, status }) => restarts >= times && status === 'running',
    );
  const pid = containers.pid('two');
  process.kill(containers.pid('one'), 'SIGKILL');
  assert.equal((await untilRestarted('one')).restarts, 1);
  assert.equal(containers.pid('two'), pid);
  assert.ok(common('one', 'two').includes('pid'));
  process.kill(containers.pid(infraOf('firm')), 'SIGKILL');
  for (const name of ['two', infraOf('firm')]) await untilRestarted(name);
  await untilRestarted('one', 2);
  assert.deepEqual(common('one', 'two'), ['ipc', 'net', 'pid', 'user', 'uts']);
  assert.deepEqual(common('one', infraOf('firm')), ['ipc', 'net', 'pid', 'user', 'uts']);
  await containers.waitFor('own', 'exited');
  assert.equal(state('firm'), 'Degraded');
  ok('start', 'own');
  assert.equal(state('firm'), 'Running');
});

test('without --share pid, too, a pod ends as a whole with the process that holds its namespaces', async () => {
  ok('pod', 'create', '--name', 'frail');
  start('frail', 'one');
  const waiting = containers.run(['run', '--pod', 'frail', ...SLEEP]);
  await waitUntil(
    'both run',
    () => ok('pod', 'ps', '--format', '{{.NumberOfContainers}} {{.Status}}') === '3 Running',
  );
  ok('kill', infraOf('frail'));
  assert.equal((await waiting).status, 137);
  await containers.waitFor('one', 'exited');
  assert.equal(state('frail'), 'Exited');
  ok('start', 'one');
  assert.deepEqual(
    common('one', infraOf('frail')),
    ['ipc', 'net', 'user', 'uts'],
    'the pod is started with it',
  );
});

test('init containers run one after the other before the others, and once means once', async () => {
  ok('pod', 'create', '--name', 'order', '-v', 'steps:/v', '--exit-policy', 'stop');
  const step = (text: string) => ['busybox', 'sh', '-c', `sleep 0.1; echo ${text} >> /v/log`];
  ok('create', '--pod', 'order', '--init-ctr', 'once', '--name', 'first', ...step('once'));
  ok('create', '--pod', 'order', '--init-ctr', 'always', '--name', 'second', ...step('always'));
  const script = 'cat /v/log; [ ! -e /v/stay ] || exec sleep 1000';
  ok('create', '--pod', 'order', '--name', 'main', 'busybox', 'sh', '-c', script);
  ok('pod', 'start', 'order');
  await containers.logs('main', 'once\nalways\n');
  await waitUntil('the pod has stopped with its last container', () => state('order') === 'Exited');
  assert.equal(ok('ps', '-aq', '--filter', 'name=first'), '');
  ok('run', '--rm', '-v', 'steps:/v', 'busybox', 'touch', '/v/stay');
  ok('pod', 'start', 'order');
  await containers.logs('main', /once\nalways\nonce\nalways\nalways\n/);
  assert.match(
    failure('create', '--pod', 'order', '--init-ctr', 'always', 'busybox').stderr,
    /it runs already/,
  );
  ok('pod', 'stop', 'order');
  ok('create', '--pod', 'order', '--init-ctr', 'always', '--name', 'broken', 'busybox', 'false');
  const { status, stderr } = failure('pod', 'start', 'order');
  assert.equal(status, 1);
  assert.match(stderr, /its init container broken has failed with exit code 1; see why: foster logs broken/);
  assert.notEqual(containers.status('main'), 'running');
});

test('a pod stops with its last container, although a command that stopped it once was killed', async () => {
  const id = ok('pod', 'create', '--name', 'short', '--exit-policy', 'stop').trim();
  ok('run', '-d', '--pod', 'short', '--name', 'only', 'busybox', 'sleep', '1000');
  // its pid is another process's by now
  writeFileSync(join(home.folder, 'data/foster/pods', id, 'stopping'), `${process.pid} 1\n`);
  ok('kill', 'only');
  await waitUntil('the pod has stopped', () => state('short') === 'Exited', 20_000);
  ok('pod', 'rm', 'short');
});

test('the life of a pod', async () => {
  const id = ok('pod', 'create', '--label', 'tier=front', 'web');
  assert.equal(ok('pod', 'create', '--replace', '--name', 'web', '--label', 'tier=front') === id, false);
  const fresh = ok('pod', 'inspect', '-f', '{{.Id}}', 'web');
  assert.equal(state('web'), 'Created');
  start('web', 'one', [
    'busybox',
    'sh',
    '-c',
    'echo out; echo err >&2; trap exit TERM; while :; do sleep 0.1; done',
  ]);
  ok('create', '--pod', 'web', '--name', 'two', ...SLEEP);
  assert.equal(state('web'), 'Degraded');
  for (const [words, expected] of [
    [['start'], 'Running'],
    [['pause'], 'Paused'],
    [['unpause'], 'Running'],
    [['stop', '-t', '5'], 'Exited'],
    [['restart'], 'Running'],
    [['kill', '-s', 'WINCH'], 'Running'],
    [['kill'], 'Exited'],
    [['start'], 'Running'],
  ] as const) {
    const [verb, ...flags] = words;
    assert.equal(ok('pod', verb ?? '', ...flags, 'web'), fresh, verb);
    assert.equal(state('web'), expected, verb);
  }
  await containers.logs('one', 'out');
  const log = home.foster(['pod', 'logs', '-n', '-c', 'one', 'web']);
  assert.match(log.stdout, /^one out$/m);
  assert.match(log.stderr, /^one err$/m);
  const stats = ok('pod', 'stats', '--no-stream', '--format', '{{.Name}}', 'web').split('\n');
  assert.deepEqual(stats.sort(), [`${fresh.slice(0, 12)}-infra`, 'one', 'two'].sort());
  assert.match(failure('pod', 'rm', 'web').stderr, /it has containers that run; stop it first/);
  assert.match(
    failure('rm', '-f', infraOf('web')).stderr,
    /it holds the namespaces of pod web; remove the pod: foster pod rm web/,
  );
  assert.match(failure('diff', infraOf('web')).stderr, /has no files/);
  assert.equal(ok('pod', 'rm', '-f', '-t', '0', 'web'), fresh);
  assert.equal(ok('ps', '-aq'), '');
  assert.equal(home.foster(['pod', 'exists', 'web']).status, 1);
  const events = ok(
    'events',
    '--since',
    '10m',
    '--until',
    '0s',
    '--filter',
    'pod=web',
    '--format',
    '{{.Action}}',
  ).split('\n');
  for (const action of ['create', 'start', 'pause', 'unpause', 'stop', 'restart', 'kill', 'remove'])
    assert.ok(events.includes(action), action);
});

test('lists, inspections and names', () => {
  const file = join(home.shared, 'pod-id');
  const id = ok(
    'pod',
    'create',
    '--pod-id-file',
    file,
    '--label',
    'a=b',
    '--share',
    'net',
    '--infra-name',
    'holder',
    'one',
  );
  assert.equal(readFileSync(file, 'utf8'), id);
  assert.match(failure('pod', 'create', '--pod-id-file', file).stderr, /exists already/);
  ok('run', '--pod-id-file', file, '--name', 'member', 'busybox', 'true');
  const list = ok('pod', 'ps').split('\n');
  assert.match(list[0] ?? '', /^POD ID +NAME +STATUS +CREATED +INFRA ID +# OF CONTAINERS$/);
  assert.match(list[1] ?? '', new RegExp(`^${id.slice(0, 12)} +one +Degraded +.* ago +[0-9a-f]{12} +2$`));
  assert.match(
    ok('pod', 'ps', '--ctr-names', '--ctr-status', '--noheading'),
    /holder,member +running,exited$/,
  );
  for (const filter of [
    'name=on',
    'label=a=b',
    'status=degraded',
    'ctr-names=member',
    'ctr-number=2',
    `id=${id.slice(0, 5)}`,
  ])
    assert.equal(ok('pod', 'ps', '-q', '--filter', filter), id, filter);
  assert.equal(ok('pod', 'ps', '-q', '--filter', 'status=running'), '');
  assert.match(failure('pod', 'ps', '--filter', 'x=y').stderr, /KEY being one of/);
  const [json] = JSON.parse(ok('pod', 'ps', '--format', 'json'));
  assert.deepEqual(
    [json.Name, json.Containers.map(({ Names }: { Names: string }) => Names)],
    ['one', ['holder', 'member']],
  );
  assert.equal(ok('pod', 'ps', '--format', '{{.Name}} {{.Label "a"}} {{.Namespace}}'), 'one b net');
  const whole = JSON.parse(ok('pod', 'inspect', 'one'));
  assert.deepEqual([whole.Id, whole.SharedNamespaces, whole.InfraConfig.uts_ns], [id, ['net'], 'private']);
  assert.equal(whole.CreateCommand[1], 'pod');
  assert.equal(ok('inspect', '-f', '{{.Pod}} {{.IsInfra}}', 'holder'), `${id} true`);
  assert.equal(
    ok('inspect', '-f', '{{.HostConfig.NetworkMode}} {{.IsInfra}}', 'member'),
    `container:${whole.InfraContainerID} false`,
  );
  assert.equal(ok('inspect', '--type', 'pod', '-f', '{{.Name}}', 'one'), 'one');
  assert.equal(
    ok('ps', '-a', '--filter', 'pod=one', '--format', '{{.Names}} {{.PodName}}'),
    'member one\nholder one',
  );
  assert.match(ok('ps', '-ap').split('\n')[0] ?? '', /POD ID +PODNAME$/);
  // pods and containers have their names in common, as in Podman
  assert.match(
    failure('create', '--name', 'one', 'busybox').stderr,
    /in use by pod [0-9a-f]{12}; remove that one \(foster pod rm one\)/,
  );
  assert.match(failure('pod', 'create', 'member').stderr, /in use by container/);
  assert.match(failure('run', '--pod', 'nope', 'busybox').stderr, /no such pod: nope/);
  assert.match(failure('pod', 'create', '--share', 'time').stderr, /expected none, or some of/);
  assert.match(
    failure('pod', 'create', '--infra=false', '-p', '80').stderr,
    /--publish and --infra=false cannot be used together/,
  );
  assert.equal(ok('pod', 'rm', '--ignore', 'nope', '--pod-id-file', join(home.shared, 'none')), '');
  assert.equal(failure('pod', 'stop', 'nope').status, 125);
  const asked = ['--pod', 'new:refused', '--userns', 'keep-id', 'busybox', 'true'];
  assert.match(failure('run', ...asked).stderr, /--userns cannot be used in pod refused/);
  assert.equal(home.foster(['pod', 'exists', 'refused']).status, 1);
  const text = ok(
    'run',
    '--rm',
    '--pod',
    'new:made',
    '--network',
    'bridge',
    '-p',
    '127.0.0.1::80',
    'busybox',
    'hostname',
  );
  assert.equal(text, 'made');
  ok('pod', 'stop', '--all');
  assert.equal(ok('pod', 'prune', '-f').split('\n').length, 2);
  assert.equal(ok('ps', '-aq'), '');
  writeFileSync(file, '');
});
