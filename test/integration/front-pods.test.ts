import assert from 'node:assert/strict';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import type { Result } from './support/foster.js';
import { ALL, FrontHome, NO_NODE, normalized } from './support/front.js';

/** Containers of pods without Node: src/init/front/pod.c. */
const home = new FrontHome();
const containers = new Containers(home);
const ok = (...args: string[]) => containers.ok(...args).trimEnd();

after(async () => {
  ok('pod', 'rm', '-f', '-t', '0', '--all');
  containers.removeAll();
  await home.assertNothingLeft();
});

const SLEEP = ['busybox', 'sleep', '1000'];

const run = (args: string[]): Result => home.byAny(['run', ...args], { input: 'input' });
const byNode = (args: string[]): Result => home.byNode(['run', ...args], { input: 'input' });
const byFront = (args: string[]): Result => home.byFront(['run', ...args], { input: 'input' });
const isFronted = (args: string[]): boolean => home.isFronted(['run', ...args]);

home.byAny(['run', '--rm', 'busybox', 'true']); // what is found out once for all, such as the storage driver

const folder = join(home.shared, 'folder');
mkdirSync(folder);
writeFileSync(join(folder, 'file'), 'text\n');

/** Makes the pod anew. Its infra container does not run then. */
function makePod(...options: string[]): string {
  home.foster(['pod', 'rm', '-f', '-t', '0', 'pod']);
  const { status, stdout, stderr } = home.byAny(['pod', 'create', '--name', 'pod', ...options]);
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

const eventsFile = join(home.folder, 'data/foster/events');

/** What foster has noted since the file had that size, without what differs from pod to pod. */
const eventsSince = (size: number) =>
  normalized(readFileSync(eventsFile).subarray(size).toString())
    .replace(/^\d+ /gm, '')
    .replace(/^(\w+ ID) [a-z]+_[a-z]+/gm, '$1 NAME')
    .split('\n');

const sizeOfEvents = () => readFileSync(eventsFile).length;

const ofContainer = (id: string, file: string) =>
  readFileSync(join(home.folder, 'data/foster/containers', id, file), 'utf8');

const infraOf = (pod: string) => ok('pod', 'inspect', '-f', '{{.InfraContainerID}}', pod);

/** Options of the pod, and words after `foster run --pod pod`. */
const SAME: [pod: string[], run: string[]][] = [
  [[], ['--rm', ...ALL]],
  [[], ['--rm', '-i', ...ALL]],
  [[], ['--rm', '-t', 'busybox', 'sh', '-c', 'env; tty; hostname']],
  [[], ['--rm', '--name', 'given', ...ALL]],
  [[], ['--rm', '--network', 'none', '--ipc', 'private', ...ALL]],
  [[], ['--rm', '-e', 'A=b', '-u', '5', '--read-only', '-v', `${folder}:/x`, ...ALL]],
  [[], ['--rm', 'busybox', 'nope']],
  [[], ['--rm', 'busybox', 'sh', '-c', 'kill -9 $$']],
  [
    ['--hostname', 'other', '--add-host', 'x:1.2.3.4', '--dns', '9.9.9.9'],
    ['--rm', ...ALL],
  ],
  [
    ['-v', `${folder}:/pods`, '--shm-size', '1m', '--sysctl', 'net.ipv4.ip_forward=1'],
    ['--rm', ...ALL],
  ],
  [
    ['--security-opt', 'seccomp=unconfined', '--device', '/dev/null:/dev/x'],
    ['--rm', ...ALL],
  ],
  [
    ['--share', 'net'],
    ['--rm', ...ALL],
  ],
  [
    ['--share', 'ipc,net,uts,cgroup'],
    ['--rm', ...ALL],
  ],
  [
    ['--userns', 'keep-id'],
    ['--rm', ...ALL],
  ],
  [
    ['--uidmap', '0:1:1000', '--gidmap', '0:1:1000'],
    ['--rm', ...ALL],
  ],
];

for (const [options, words] of SAME) {
  const args = ['--pod', 'pod', ...words];
  const title = [...options, ...words].map((word) => (word.length > 40 ? '...' : word)).join(' ');
  test(`the same in a pod by Node and without it: ${title}`, () => {
    const found = [byNode, run, byFront].map((how, index) => {
      makePod(...options);
      // the first time with the infra container, which that starts, and then beside it
      return [0, 1].map((time) => {
        if (index === 1 && time === 1) return {};
        const size = sizeOfEvents();
        const { stdout, ...rest } = how(args);
        assert.doesNotMatch(rest.stderr, NO_NODE);
        return { ...rest, stdout: normalized(stdout), events: eventsSince(size) };
      });
    });
    assert.deepEqual(found[2], found[0]);
  });
}

/** Containers whose record stays. */
const KEPT: [pod: string[], run: string[]][] = [
  [[], ['-d', ...SLEEP]],
  [[], ['-d', '--name', 'some-name', '-l', 'a=b', '--entrypoint', 'sleep', 'busybox', '1000']],
  [
    ['--restart', 'always'],
    ['-d', ...SLEEP],
  ],
  [
    ['--exit-policy', 'continue'],
    ['-d', '--health-cmd', 'true', '--health-interval', '1s', ...SLEEP],
  ],
];

for (const [options, words] of KEPT) {
  test(`the same record in a pod by Node and without it: ${[...options, ...words].join(' ')}`, () => {
    const found = [byNode, run, byFront].map((how) => {
      const pod = makePod(...options);
      const size = sizeOfEvents();
      const { stdout, ...rest } = how(['--pod', 'pod', ...words]);
      assert.doesNotMatch(rest.stderr, NO_NODE);
      const events = eventsSince(size);
      const id = stdout.trim();
      const infra = infraOf('pod');
      const record = JSON.parse(ofContainer(id, 'config.json'));
      assert.deepEqual([record.pod, record.shares.of], [pod, infra]);
      const named = (text: string) => normalized(text.replaceAll(`"${record.name}"`, '"NAME"'));
      const hosts = ok('exec', id, 'cat', '/etc/hosts');
      assert.equal(hosts.includes(`127.0.0.1\t${record.name}`), words.includes('--name'));
      const files = (one: string) =>
        readdirSync(join(home.folder, 'data/foster/containers', one))
          .filter((name) => !/^(start|counts|health)/.test(name))
          .sort();
      return {
        ...rest,
        events,
        record: named(JSON.stringify(record)),
        restart: ofContainer(id, 'restart'),
        files: [files(id), files(infra)],
        hosts: named(hosts),
        namespaces: ['net', 'ipc', 'uts', 'user', 'pid', 'mnt'].map(
          (one) =>
            readlinkSync(`/proc/${containers.pid(id)}/ns/${one}`) ===
            readlinkSync(`/proc/${containers.pid(infra)}/ns/${one}`),
        ),
      };
    });
    assert.deepEqual(found[2], found[0]);
  });
}

/** The id of a container that the front has started in the pod. */
function startByFront(args: string[]): string {
  const { status, stdout, stderr } = byFront(['-d', '--pod', 'pod', ...args]);
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test('a template serves every pod of that name that was made in the same way, and no other one', () => {
  const pods = [makePod()];
  run(['-d', '--pod', 'pod', ...SLEEP]);
  for (let time = 0; time < 3; time++) {
    const pod = makePod();
    pods.push(pod);
    const [one, two] = [startByFront(SLEEP), startByFront(SLEEP)];
    assert.equal(ok('inspect', '-f', '{{.Pod}}', one, two), `${pod}\n${pod}`);
    const text = ofContainer(one, 'config.json') + ofContainer(infraOf('pod'), 'config.json');
    for (const other of pods.filter((id) => id !== pod)) assert.ok(!text.includes(other.slice(0, 12)));
    assert.deepEqual(
      ok('pod', 'inspect', '-f', '{{range .Containers}}{{.State}} {{end}}', 'pod'),
      'running running running',
    );
  }
  for (const options of [
    ['--share', 'net'],
    ['--hostname', 'x'],
    ['-l', 'a=b'],
    ['-v', `${folder}:/x`],
  ]) {
    makePod(...options);
    assert.ok(!isFronted(['-d', '--pod', 'pod', ...SLEEP]), options.join(' '));
    run(['-d', '--pod', 'pod', ...SLEEP]);
    startByFront(SLEEP);
  }
});

test('a pod is named by its id: a template for it would be for that pod alone', () => {
  const pod = makePod();
  for (let time = 0; time < 2; time++) assert.equal(run(['--rm', '--pod', pod, 'busybox', 'true']).status, 0);
  assert.ok(!isFronted(['--rm', '--pod', pod, 'busybox', 'true']));
});

test("what a pod has changes: the next container is Node's", () => {
  makePod();
  const args = ['-d', '--pod', 'pod', ...SLEEP];
  run(args);
  startByFront(SLEEP);
  ok('rename', infraOf('pod'), 'renamed');
  assert.ok(!isFronted(args));
  assert.equal(run(args).status, 0);
  startByFront(SLEEP);
});

test('a pod that is gone, a container of that name in its place, or a pod that is paused: Node says why', () => {
  const args = ['-d', '--pod', 'pod', ...SLEEP];
  makePod();
  run(args);
  ok('pod', 'pause', 'pod');
  assert.ok(!isFronted(args));
  assert.match(run(args).stderr, /^foster: cannot start a container in pod pod: it is paused/);
  ok('pod', 'unpause', 'pod');
  startByFront(SLEEP);
  ok('pod', 'rm', '-f', '-t', '0', 'pod');
  const before = home.leftFolders();
  assert.ok(!isFronted(args));
  assert.match(run(args).stderr, /^foster: no such pod: pod/);
  ok('create', '--name', 'pod', ...SLEEP);
  assert.ok(!isFronted(args));
  assert.match(run(args).stderr, /^foster: no such pod: pod/);
  ok('rm', 'pod');
  assert.deepEqual(home.leftFolders(), before);
});

test('the infra container is killed: the front starts it again, and others end with it', async () => {
  const pod = makePod();
  run(['-d', '--pod', 'pod', ...SLEEP]);
  const one = startByFront(SLEEP);
  process.kill(containers.pid(infraOf('pod')), 'SIGKILL');
  await containers.waitFor(one, 'exited');
  await containers.waitFor(infraOf('pod'), 'exited');
  const { stdout } = await home.byFrontSoon(['run', '-d', '--pod', 'pod', ...SLEEP]);
  assert.equal(ok('inspect', '-f', '{{.State.Status}} {{.Pod}}', stdout.trim()), `running ${pod}`);
  assert.equal(containers.status(infraOf('pod')), 'running');
});

test('many at once, before the infra container runs: it is started once', async () => {
  makePod();
  const args = ['-d', '--pod', 'pod', ...SLEEP];
  run(args);
  makePod();
  const size = sizeOfEvents();
  const all = Array.from({ length: 8 }, () => home.start(args, { env: home.callers, cwd: home.shared }));
  const results = await Promise.all(all.map((one) => one.ended));
  assert.deepEqual(
    [...new Set(results.map(({ status }) => status))],
    [0],
    results.map(({ stderr }) => stderr).join(''),
  );
  const starts = readFileSync(eventsFile).subarray(size).toString().split('\n');
  assert.equal(
    starts.filter((line) => line.split(' ')[1] === 'start' && line.includes(infraOf('pod'))).length,
    1,
  );
  assert.equal(ok('pod', 'inspect', '-f', '{{.State}} {{.NumContainers}}', 'pod'), 'Running 9');
});

test('start of a container in a pod: the same by Node and without it', async () => {
  const found = [];
  for (const how of ['byNode', 'byAny', 'byFrontSoon'] as const) {
    const pod = makePod();
    const id = run(['-d', '--pod', 'pod', '--name', 'st', ...SLEEP]).stdout.trim();
    for (const before of how === 'byFrontSoon' ? (['byAny', how] as const) : [how]) {
      ok('stop', '-t', '0', 'st');
      ok('pod', 'stop', '-t', '0', 'pod');
      await containers.waitFor(infraOf('pod'), 'exited');
      // the template of the infra container is of such a run
      const { stdout, stderr, status } = await home[before](['start', 'st']);
      assert.deepEqual([stdout, stderr, status], ['st\n', '', 0]);
    }
    assert.equal(ok('pod', 'inspect', '-f', '{{.State}}', 'pod'), 'Running');
    found.push(
      [pod.length, id.length, ok('exec', 'st', 'cat', '/etc/hosts'), ok('exec', 'st', 'hostname')].map(
        (one) => normalized(String(one)),
      ),
    );
  }
  assert.deepEqual(found[2], found[0]);
});

/** What starts the pod, with what is known of its containers then. */
async function startPod(how: 'byNode' | 'byAny' | 'byFront', containersOf: string[][]) {
  const pod = makePod('--hostname', 'of-pod');
  const ids = containersOf.map((words) => ok('create', '--pod', 'pod', ...words));
  const size = sizeOfEvents();
  const { stdout, ...rest } = home[how](['pod', 'start', 'pod']);
  assert.doesNotMatch(rest.stderr, NO_NODE);
  const names = ids.map((id) => JSON.parse(ofContainer(id, 'config.json')).name);
  const named = (text: string) => names.reduce((now, name) => now.replaceAll(name, 'NAME'), normalized(text));
  return {
    ...rest,
    isPrinted: stdout === `${pod}\n`,
    events: named(eventsSince(size).sort().join('\n')),
    states: ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', infraOf('pod'), ...ids),
    hosts: ids.map((id) =>
      containers.status(id) === 'running' ? named(ok('exec', id, 'cat', '/etc/hosts')) : '',
    ),
    files: ids.map((id) =>
      readdirSync(join(home.folder, 'data/foster/containers', id))
        .filter((file) => !/^(start|counts|health)/.test(file))
        .sort(),
    ),
  };
}

const STARTED: string[][][] = [
  [SLEEP],
  [SLEEP, SLEEP, ['-e', 'A=b', ...SLEEP]],
  [
    ['--rm', ...SLEEP],
    ['--network', 'none', ...SLEEP],
  ],
  [
    ['--restart', 'always', ...SLEEP],
    ['--health-cmd', 'true', ...SLEEP],
  ],
  [],
];

for (const list of STARTED)
  test(`pod start: the same by Node and without it: ${JSON.stringify(list)}`, async () => {
    const found = [];
    for (const how of ['byNode', 'byAny', 'byFront'] as const) found.push(await startPod(how, list));
    assert.deepEqual(found[2], found[0]);
  });

test("pod start: a container with a name has a template of its own, and what has changed is Node's", async () => {
  const start = (how: 'byAny' | 'byFront') => home[how](['pod', 'start', 'pod']);
  for (const how of ['byAny', 'byFront'] as const) {
    makePod();
    ok('create', '--pod', 'pod', '--name', 'one', ...SLEEP);
    assert.equal(start(how).status, 0);
    assert.match(ok('exec', 'one', 'cat', '/etc/hosts'), /^127\.0\.0\.1\tone$/m);
  }
  // those that run are left as they are, and the others are started again
  const pid = containers.pid('one');
  const two = ok('create', '--pod', 'pod', ...SLEEP);
  assert.equal(start('byAny').status, 0);
  ok('stop', '-t', '0', two);
  await containers.waitFor(two, 'exited');
  assert.equal((await home.byFrontSoon(['pod', 'start', 'pod'])).status, 0);
  assert.deepEqual([containers.pid('one'), containers.status(two)], [pid, 'running']);
  // another name
  ok('pod', 'stop', '-t', '0', 'pod');
  ok('update', '--restart', 'always', two);
  ok('rename', 'one', 'other');
  assert.equal((await home.byFrontSoon(['pod', 'start', 'pod'])).status, 0);
  assert.match(ok('exec', 'other', 'cat', '/etc/hosts'), /^127\.0\.0\.1\tother$/m);
  // an init container is Node's
  ok('pod', 'stop', '-t', '0', 'pod');
  ok('create', '--pod', 'pod', '--init-ctr', 'always', 'busybox', 'true');
  for (let time = 0; time < 2; time++) {
    assert.match(start('byFront').stderr, NO_NODE);
    assert.equal(start('byAny').status, 0);
    ok('pod', 'stop', '-t', '0', 'pod');
  }
  assert.match(home.byFront(['pod', 'start', 'nope']).stderr, NO_NODE);
  assert.match(home.byAny(['pod', 'start', 'nope']).stderr, /no such pod: nope/);
});

test('pod start: a program that is gone is told as by Node, and the others are started', () => {
  const root = join(home.shared, 'root');
  for (const name of ['bin', 'etc', 'proc', 'tmp', 'dev', 'sys'])
    mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'bin/busybox'), readFileSync('/usr/bin/busybox'), { mode: 0o755 });
  const program = join(root, 'bin/sleep');
  const list = [[root, 'sleep', '1000'], SLEEP];
  const found = [];
  for (const how of ['byNode', 'byAny', 'byFront'] as const) {
    if (how === 'byAny') symlinkSync('busybox', program);
    makePod();
    const ids = list.map((words) => ok('create', '--pod', 'pod', ...words));
    if (how === 'byFront') rmSync(program);
    const { stdout, stderr, status } = home[how](['pod', 'start', 'pod']);
    found.push({
      ...{ stdout, status, stderr: normalized(stderr) },
      states: ids.map((id) => containers.status(id)),
    });
  }
  assert.match(found[0]?.stderr ?? '', /^foster: cannot run "sleep": it is not in any directory/);
  assert.deepEqual(found[0]?.states, ['exited', 'running']);
  assert.deepEqual(found[2], found[0]);
});
