import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { Containers, descriptorsOf } from './support/containers.js';
import { FOSTER } from './support/foster.js';
import { FrontHome, NO_NODE } from './support/front.js';
import { waitUntil } from './support/wait.js';

/** kill, stop, restart, wait and rm without Node: src/init/front. */
const home = new FrontHome();
const containers = new Containers(home);

after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

const RUN = ['run', '-d', '--network', 'none', '--name'];
const SLEEP = ['busybox', 'sleep', '1000'];
/** Leaves files that belong to other users of the container, and directories that only its root can write to. */
const OTHERS =
  'mkdir -p /d/e && touch /d/f && chown -R 5:5 /d && chmod 500 /d && mkdir -m 0 /none && ln -s / /none2; exit 3';
const DEAF = 'trap "" TERM; sleep 1000 & wait; wait; sleep 1000';

/** Whether a container that runs DEAF has come to ignore SIGTERM. */
function isDeaf(name: string): boolean {
  const init = containers.pid(name);
  const [command] = readFileSync(`/proc/${init}/task/${init}/children`, 'utf8').split(' ');
  const [, ignored = '0'] = /^SigIgn:\s+(\w+)$/m.exec(readFileSync(`/proc/${command}/status`, 'utf8')) ?? [];
  return (BigInt(`0x${ignored}`) & (1n << 14n)) !== 0n;
}
/** The first one by Node leaves what the next ones need. */
const AGAIN = ['restart', '-t', '0', 'one'];

const running = (name: string, flags: string[] = [], command = SLEEP) => [...RUN, name, ...flags, ...command];
const ended = (name: string, flags: string[] = []) => [
  'run',
  '--network',
  'none',
  '--name',
  name,
  ...flags,
  'busybox',
  'sh',
  '-c',
  OTHERS,
];

interface Case {
  title: string;
  make: string[][];
  args: string[];
  /** The command does not wait until they have ended. */
  ends?: true;
  /** What is true of `one` before the command. */
  when?: (name: string) => boolean;
}

const CASES: Case[] = [
  { title: 'kill', make: [running('one')], args: ['kill', 'one'] },
  { title: 'kill of two', make: [running('one'), running('two')], args: ['kill', 'two', 'one'] },
  {
    title: 'kill -s HUP',
    make: [running('one', ['-l', 'a=b c'])],
    args: ['kill', '-s', 'HUP', 'one'],
    ends: true,
  },
  { title: 'kill --signal=sigcont', make: [running('one')], args: ['kill', '--signal=sigcont', 'one'] },
  {
    title: 'kill -s 15, its stop signal',
    make: [running('one')],
    args: ['kill', 'one', '-s', '15'],
    ends: true,
  },
  {
    title: 'kill of one that would be restarted',
    make: [running('one', ['--restart', 'always'])],
    args: ['kill', 'one'],
  },
  { title: 'kill of one with --rm', make: [running('one', ['--rm'])], args: ['kill', 'one'] },
  { title: 'kill without foster-init', make: [running('one', ['--no-init'])], args: ['kill', 'one'] },
  { title: 'stop', make: [running('one', ['-l', 'x=ä%=1'])], args: ['stop', 'one'] },
  { title: 'stop of two', make: [running('one'), running('two')], args: ['stop', '--time=5', 'one', 'two'] },
  { title: 'stop -s INT', make: [running('one')], args: ['stop', '-s', 'INT', 'one'] },
  {
    title: 'stop of one with another signal, that would be restarted',
    make: [running('one', ['--restart', 'always', '--stop-signal', 'USR1'])],
    args: ['stop', 'one'],
  },
  {
    title: 'stop -t 1 of one that does not end',
    make: [running('one', [], ['busybox', 'sh', '-c', DEAF])],
    args: ['stop', '-t', '1', 'one'],
    when: isDeaf,
  },
  { title: 'stop -t 0', make: [running('one')], args: ['stop', '-t', '0', 'one'] },
  { title: 'stop of one with --rm', make: [running('one', ['--rm'])], args: ['stop', '-t', '-1', 'one'] },
  { title: 'stop of one that has ended', make: [ended('one')], args: ['stop', 'one'] },
  { title: 'wait for one that has ended', make: [ended('one')], args: ['wait', 'one'] },
  {
    title: 'wait for one that was never started, and one that ends',
    make: [
      ['create', '--name', 'one', ...SLEEP],
      running('two', [], ['busybox', 'sh', '-c', 'sleep 0.5; exit 7']),
    ],
    args: ['wait', 'two', 'one'],
  },
  {
    title: 'restart',
    make: [running('one', ['-l', 'a=b']), AGAIN, AGAIN],
    args: ['restart', 'one'],
  },
  {
    title: 'restart of one with --rm',
    make: [running('one', ['--rm']), AGAIN, AGAIN],
    args: ['restart', '-t', '0', 'one'],
  },
  {
    title: 'restart of one that has ended',
    make: [running('one'), AGAIN, AGAIN, ['kill', 'one']],
    args: ['restart', '-t', '1', '-s', 'KILL', 'one'],
  },
  {
    title: 'restart of one whose program is gone',
    make: [
      ['create', '--network', 'none', '--name', 'one', 'busybox', 'rm', '/bin/rm'],
      ['start', '-a', 'one'],
    ],
    args: ['restart', 'one'],
  },
  { title: 'rm', make: [ended('one')], args: ['rm', 'one'] },
  {
    title: 'rm of two',
    make: [ended('one'), ['create', '--name', 'two', ...SLEEP]],
    args: ['rm', 'two', 'one'],
  },
  { title: 'rm -f', make: [running('one'), ended('two')], args: ['rm', '-f', 'two', 'one'] },
  { title: 'rm --force of one with --rm', make: [running('one', ['--rm'])], args: ['rm', '--force', 'one'] },
  {
    title: 'rm of one with volumes',
    make: [['create', '--name', 'one', '-v', '/v', '-v', 'named:/n', ...SLEEP]],
    args: ['rm', 'one'],
  },
  {
    title: 'rm -v of one with volumes',
    make: [['create', '--name', 'one', '-v', '/v', '-v', '/etc', '-v', 'named:/n', ...SLEEP]],
    args: ['rm', '-v', 'one'],
  },
  {
    title: 'rm -fv of one with files of others in its volume',
    make: [
      [
        ...RUN,
        'one',
        '-v',
        '/v',
        'busybox',
        'sh',
        '-c',
        'touch /v/f && chown -R 5:5 /v && chmod 500 /v && sleep 1000',
      ],
      ['exec', 'one', 'sh', '-c', 'until test $(stat -c %a /v) = 500; do sleep 0.01; done'],
    ],
    args: ['rm', '-fv', 'one'],
  },
  { title: 'rm --volumes of one without', make: [ended('one')], args: ['rm', '--force', '--volumes', 'one'] },
  {
    title: 'rm of one in a network',
    make: [['run', '--name', 'one', 'busybox', 'true']],
    args: ['rm', 'one'],
  },
];

const data = join(home.folder, 'data/foster');

/** What is there afterwards, by the names of containers. */
function leftovers(ids: Map<string, string>) {
  const named = (text: string) => [...ids].reduce((all, [id, name]) => all.replaceAll(id, name), text);
  return {
    files: [...ids].map(([id, name]) => [
      name,
      existsSync(join(data, 'containers', id)) && readdirSync(join(data, 'containers', id)),
    ]),
    locks: readdirSync(join(data, 'locks')).map(named).sort(),
    names: readdirSync(join(data, 'names')).sort(),
    volumes: volumesLeft(),
    events: [...ids]
      .flatMap(([id, name]) => containers.events(id).map((event) => `${name} ${event}`))
      .filter((event) => !event.includes('reap') && !event.includes('adopt')),
    shown: home.foster(['ps', '-a', '--sort', 'names', '--format', '{{.Names}} {{.State}} {{.ExitCode}}'])
      .stdout,
  };
}

/** Folders of volumes, without the random names. */
function volumesLeft(): string[] {
  const folder = join(data, 'volumes');
  return existsSync(folder)
    ? readdirSync(folder).map((name) => name.replace(/^[0-9a-f]{64}$/, 'ANONYMOUS'))
    : [];
}

/** Events of anonymous volumes. */
function volumesDestroyed(): number {
  const text = existsSync(join(data, 'events')) ? readFileSync(join(data, 'events'), 'utf8') : '';
  return text.match(/ volume\.destroy - [0-9a-f]{64} driver=local$/gm)?.length ?? 0;
}

/** Runs a case. Returns what it has printed, and what is there afterwards. */
async function outcome({ make, args, ends, when }: Case, how: 'byNode' | 'byFront') {
  for (const words of make) home.byAny(words);
  if (when !== undefined) await waitUntil('it may begin', () => when('one'));
  const ids = new Map(
    readdirSync(join(data, 'names')).map((name) => [basename(readlinkSync(join(data, 'names', name))), name]),
  );
  const destroyedBefore = volumesDestroyed();
  const result = home[how](args);
  const hasEnded = (id: string) => containers.events(id).some((event) => event.startsWith('die'));
  if (ends) for (const id of ids.keys()) await waitUntil('it has ended', () => hasEnded(id));
  // its monitor removes one with --rm when the command may have ended, and before or after it tells what it has done
  const isRemoved = make.some((words) => words.includes('--rm')) && args[0] !== 'restart';
  if (isRemoved)
    for (const id of ids.keys())
      await waitUntil('it is gone', () => containers.events(id).includes('destroy'));
  const stdout = args[0] === 'wait' ? result.stdout : result.stdout.split('\n').sort();
  const left = leftovers(ids);
  if (isRemoved) left.events.sort();
  const found = { ...result, stdout, ...left, destroyed: volumesDestroyed() - destroyedBefore };
  containers.removeAll();
  if (found.volumes.includes('ANONYMOUS')) containers.ok('volume', 'prune', '-f');
  return found;
}

for (const each of CASES) {
  test(`the same by Node and without it: ${each.title}`, async () => {
    const byNode = await outcome(each, 'byNode');
    let byFront = await outcome(each, 'byFront');
    // on a busy machine, a monitor may still hold the lock of a container that has just ended, and then it is Node's
    for (let tries = 1; NO_NODE.test(byFront.stderr) && tries < 5; tries++)
      byFront = await outcome(each, 'byFront');
    assert.doesNotMatch(byFront.stderr, NO_NODE);
    assert.deepEqual(byFront, byNode);
  });
}

/** What the front leaves to Node: `up` runs, `over` has ended. */
const LEFT: string[][] = [
  ['kill', 'over'],
  ['kill', 'missing'],
  ['kill', 'up', 'missing'],
  ['kill', '-s', 'STOP', 'up'],
  ['kill', '-s', 'RTMIN+1', 'up'],
  ['kill', '-s', '65', 'up'],
  ['kill', '-s', 'NOPE', 'up'],
  ['kill', '-s'],
  ['kill', '-sHUP', 'up'],
  ['kill', '--all'],
  ['kill', '--', 'up'],
  ['kill'],
  ['stop', 'up', 'up'],
  ['stop', '-t', '-2', 'up'],
  ['stop', '-t', '1s', 'up'],
  ['stop', '--timeout', '1', 'up'],
  ['stop', '--ignore', 'missing'],
  ['stop', '../containers/up'],
  ['stop', ''],
  ['restart', 'up'],
  ['restart', 'missing'],
  ['restart', 'up', 'over'],
  ['wait', 'missing'],
  ['wait', '--condition', 'running', 'up'],
  ['rm', 'up'],
  ['rm', '-f', 'missing'],
  ['rm', '-fx', 'over'],
  ['rm', '-', 'over'],
  ['rm', '-f', '-v', 'with-shared'],
  ['rm', '-f', '-t', '1', 'over'],
  ['rm', '--help'],
];

test('at the least doubt, Node does it', async () => {
  home.byAny(running('up'));
  home.byAny(ended('over'));
  home.byAny(['create', '--name', 'with-volume', '-v', '/v', ...SLEEP]);
  home.byAny(['create', '--name', 'with-shared', '--volumes-from', 'with-volume', ...SLEEP]);
  const isLeft = (args: string[]) => !home.isFronted(args);
  for (const args of LEFT) assert.ok(isLeft(args), args.join(' '));
  containers.ok('pause', 'up');
  for (const verb of ['kill', 'stop']) assert.ok(isLeft([verb, 'up']), `${verb} of one that is paused`);
  containers.ok('unpause', 'up');
  containers.ok('rm', '-f', '-v', 'with-volume', 'with-shared');
  containers.ok('rm', '-f', 'up');

  const id = containers.inspect('over', '{{.Id}}');
  const config = join(containers.folder(id), 'config.json');
  const text = readFileSync(config, 'utf8');
  for (const damaged of [
    '',
    text.slice(0, -1),
    `${text} `,
    JSON.stringify(JSON.parse(text), null, 1),
    text.replace('"labels":{}', '"labels":{"image":"x"}'),
    text.replace('"labels":{}', '"labels":{"a":"\\u001b"}'),
    text.replace('"labels":{}', `"labels":{"a":"${'x'.repeat(1025)}"}`),
    text.replace('"name":"over"', '"name":"../x"'),
    text.replace('"stopSignal":15', '"stopSignal":"15"'),
    text.replace(id, id.replace(/./g, '0')),
  ]) {
    assert.notEqual(damaged, text);
    writeFileSync(config, damaged);
    for (const verb of ['rm', 'wait']) assert.ok(isLeft([verb, 'over']), `${verb}: ${damaged.slice(0, 100)}`);
  }
  writeFileSync(config, text);
  for (const name of ['cgroups', 'live']) {
    const path = join(containers.folder(id), name);
    const before = existsSync(path) ? readFileSync(path) : undefined;
    writeFileSync(path, 'damaged');
    assert.ok(isLeft(['rm', 'over']), name);
    rmSync(path);
    if (before !== undefined) writeFileSync(path, before);
  }
  const place = {
    version: 2,
    controllers: ['pids'],
    folder: '/sys/fs/cgroup/none',
    inner: '/sys/fs/cgroup/none/x',
  };
  const note = join(containers.folder(id), 'cgroups');
  for (const damaged of [
    { ...place, version: 3 },
    { ...place, folder: 'relative' },
    { ...place, inner: '/sys/../none' },
    { ...place, controllers: {} },
    { version: 2, controllers: [], folder: '/none' },
    'text',
  ]) {
    writeFileSync(note, JSON.stringify([place, damaged]));
    assert.ok(isLeft(['rm', 'over']), JSON.stringify(damaged));
  }
  writeFileSync(note, JSON.stringify([place, { ...place, unit: { name: 'x' }, controllers: [] }]));
  assert.ok(!isLeft(['rm', 'over']));
});

test('what can be done is done, and Node does the rest', () => {
  home.byAny(running('one'));
  home.byAny(running('two'));
  const folder = containers.folder(containers.inspect('one', '{{.Id}}'));
  mkdirSync(join(folder, 'stopped')); // the front cannot write it
  const { status, stdout, stderr } = home.byAny(['kill', 'one', 'two']);
  assert.deepEqual([status, stdout], [0, 'two\none\n'], stderr);
  rmSync(join(folder, 'stopped'), { recursive: true });
  containers.ok('rm', '-f', 'one', 'two');
});

test('a signal ends a wait, and a stop, as it ends any program', async () => {
  home.byAny(running('one', [], ['busybox', 'sh', '-c', DEAF]));
  await waitUntil('it is deaf', () => isDeaf('one'));
  const folder = containers.folder(containers.inspect('one', '{{.Id}}'));
  for (const args of [
    ['wait', 'one'],
    ['stop', '-t', '1000', 'one'],
  ]) {
    const waiting = containers.begin(args);
    if (args[0] === 'stop')
      await waitUntil('it is being stopped', () => existsSync(join(folder, 'stopping')));
    else await waitUntil('it waits', () => waits(waiting.pid));
    assert.match(readFileSync(`/proc/${waiting.pid}/comm`, 'utf8'), /^foster\n/, 'Node waits');
    process.kill(waiting.pid, 'SIGINT');
    const { status, signal } = await waiting.ended;
    assert.deepEqual([status, signal], [null, 'SIGINT'], args.join(' '));
  }
  assert.equal(containers.status('one'), 'running');
  containers.ok('rm', '-f', 'one');
});

test('wait tells the exit code of one that ends, also where --rm removes it', async () => {
  for (const flags of [[], ['--rm']]) {
    home.byAny(running('one', flags));
    const waiting = containers.begin(['wait', 'one']);
    await waitUntil('it waits', () => waits(waiting.pid));
    containers.ok('kill', 'one');
    assert.equal((await waiting.ended).stdout, '137\n');
    if (flags.length === 0) containers.ok('rm', 'one');
  }
});

/** Whether its program is the front, which has PID 1 open whose end it waits for. */
function waits(pid: number): boolean {
  return (
    /^foster\n/.test(readFileSync(`/proc/${pid}/comm`, 'utf8')) &&
    descriptorsOf(pid).some((one) => one.includes('pidfd'))
  );
}

test('--debug says whether Node was needed, and why', () => {
  const why = (...args: string[]) => {
    const { stderr } = home.byAny(['--debug', ...args]);
    return /^foster: debug: (.*)$/m.exec(stderr)?.[1];
  };
  const NATIVE = 'done without Node';
  home.byAny(['run', '--rm', 'busybox', 'true']); // what is found out once for all
  const RUN_ONE = ['run', '--network', 'none', '--rm', '-e', 'A=debug', 'busybox', 'true'];
  assert.equal(why(...RUN_ONE), 'done by Node: there is no template yet for these words');
  assert.equal(why(...RUN_ONE), NATIVE);
  assert.equal(home.byFront(['-D', ...RUN_ONE]).stderr, `foster: debug: ${NATIVE}\n`);
  assert.equal(home.byFront(RUN_ONE).stderr, '');
  const { stderr } = home.byAny(['--debug', ...RUN_ONE], { env: { LANG: 'C' } });
  assert.match(
    stderr,
    /^foster: debug: done (without Node|by Node: a variable has another value[^\n]*: LANG=)/,
  );

  home.byAny(running('one'));
  assert.equal(why('exec', 'one', 'true'), 'done by Node: there is no template yet');
  assert.equal(why('exec', 'one', 'true'), NATIVE);
  containers.ok('rename', 'one', 'two');
  assert.equal(
    why('exec', 'two', 'true'),
    'done by Node: the container has changed since its template was made',
  );
  assert.equal(why('exec', '--privileged', 'two', 'true'), "done by Node: option --privileged is Node's");
  assert.match(why('exec', '-u', 'root', 'two', 'true') ?? '', /looked up by Node$/);
  assert.equal(why('kill', 'one'), 'done by Node: there is not just one container one');
  assert.equal(why('stop', '-t', '0', 'two'), NATIVE);
  assert.equal(why('ps'), "done by Node: this command is always Node's");
  assert.equal(why('rm', '\u001b[31m'), 'done by Node: there is not just one container ?[31m');
  assert.match(
    home.byNode(['--debug', 'wait', 'two']).stderr,
    /^foster: debug: done by Node: FOSTER_NO_FRONT is set\n/,
  );
  // what Node does after it is as with the option
  const failed = home.byAny(['--debug', 'wait', 'missing']);
  assert.match(failed.stderr, /no such container: missing[^\n]*\nFosterError: .*\n\s+at /);
  containers.ok('rm', 'two');
});

test('what has been done, but cannot be said, is an error, and is not done again', () => {
  const file = openSync('/dev/full', 'w');
  const unsaid = (args: string[], env: Record<string, string>) => {
    const options = { env: { ...home.env, ...home.callers, ...env }, cwd: home.shared };
    const { status, stderr } = spawnSync(FOSTER, args, { ...options, stdio: ['ignore', file, 'pipe'] });
    return { status, stderr: String(stderr) };
  };
  const commands = [
    [...RUN, 'full', ...SLEEP],
    ['kill', '-s', 'CONT', 'full'],
    ['restart', '-t', '0', 'full'],
    ['stop', '-t', '0', 'full'],
    ['start', 'full'],
    ['rm', '-f', 'full'],
  ];
  // Node's round leaves what the front needs
  for (const args of [...commands, ['rm', '-f', 'full']]) home.byAny(args);
  const byNode = commands.map((args) => unsaid(args, { FOSTER_NO_FRONT: '1' }));
  assert.deepEqual(
    [...new Set(byNode.map(({ stderr }) => stderr))],
    ['foster: cannot write to standard output: no space left on device (ENOSPC)\n'],
  );
  const eventsOf = (env: Record<string, string>) => {
    const results = commands.map((args) => {
      // its first start makes a template
      if (args[0] === 'restart') for (let i = 0; i < 2; i++) home.byAny(args, { env });
      return unsaid(args, env);
    });
    return { results, events: home.lastEvents() };
  };
  const expected = eventsOf({ FOSTER_NO_FRONT: '1' });
  assert.deepEqual(expected.results, byNode);
  const found = eventsOf({});
  assert.deepEqual(found.results, expected.results);
  assert.equal(found.events, expected.events);
  closeSync(file);
});

test('where nobody reads what has been done, the rest is done all the same', async () => {
  const pipe = join(home.shared, 'pipe');
  spawnSync('mkfifo', [pipe]);
  const reader = openSync(pipe, 'r+');
  const writer = openSync(pipe, 'w');
  closeSync(reader);
  const unread = (args: string[], env: Record<string, string>) => {
    const options = { env: { ...home.env, ...home.callers, ...env }, cwd: home.shared };
    const { status, stderr } = spawnSync(FOSTER, args, { ...options, stdio: ['ignore', writer, 'pipe'] });
    assert.equal(status, 0, String(stderr));
  };
  for (const env of [{ FOSTER_NO_FRONT: '1' }, {}]) {
    home.byAny(running('one'));
    home.byAny(running('deaf', [], ['busybox', 'sh', '-c', DEAF]));
    await waitUntil('it ignores SIGTERM', () => isDeaf('deaf'));
    const putBack = 'FOSTER_NO_FRONT' in env ? () => {} : home.takeNodeAway();
    try {
      unread(['stop', '-t', '1', 'one', 'deaf'], env);
      unread(['rm', 'one', 'deaf'], env);
    } finally {
      putBack();
    }
    assert.equal(containers.ok('ps', '-aq'), '');
  }
  closeSync(writer);
});
