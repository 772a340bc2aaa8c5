import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Home } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** ps, inspect, rm, prune and info, as Docker does it. */
const home = new Home();
const containers = join(home.folder, 'data/foster/containers');

afterEach(async () => {
  home.foster(['rm', '-f', ...lines(home.foster(['ps', '-aq']).stdout)]);
  await home.assertNothingLeft();
});

function lines(text: string): string[] {
  return text.split('\n').filter(Boolean);
}

function ended(name: string, code = 0, ...flags: string[]): string {
  assert.equal(home.run(['--name', name, ...flags, 'busybox', 'sh', '-c', `exit ${code}`]).status, code);
  return home.foster(['inspect', '-f', '{{.Id}}', name]).stdout.trim();
}

async function alive(name: string, ...flags: string[]) {
  const running = home.start(['--name', name, ...flags, 'busybox', 'sh', '-c', 'echo up; exec sleep 600']);
  await running.says('up');
  return running;
}

test('ps lists running containers, ps -a all', async () => {
  const id = ended('done', 3);
  const running = await alive('works');
  const [head = '', row = '', ...rest] = lines(home.foster(['ps']).stdout);
  assert.match(head, /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$/);
  assert.match(row, /^[0-9a-f]{12} +busybox +"sh -c 'echo up; ex…?|^[0-9a-f]{12} +busybox +"sh -c/);
  assert.match(row, / Up .* works$/);
  assert.deepEqual(rest, []);
  const all = lines(home.foster(['ps', '-a']).stdout);
  assert.equal(all.length, 3);
  assert.match(
    all[2] ?? '',
    new RegExp(`^${id.slice(0, 12)} .* Exited \\(3\\) .* done$`),
    'the newest first',
  );
  running.signal('SIGKILL');
  await running.ended;
});

test('ps --format json, templates, -q and --no-trunc', () => {
  const id = ended('one', 0, '--label', 'k=v');
  const [object = ''] = lines(home.foster(['ps', '-a', '--format', 'json']).stdout);
  const parsed = JSON.parse(object);
  assert.deepEqual(
    [parsed.ID, parsed.Names, parsed.Image, parsed.State, parsed.Labels, parsed.Networks],
    [id.slice(0, 12), 'one', 'busybox', 'exited', 'k=v', 'none'],
  );
  assert.equal(home.foster(['ps', '-a', '--format', '{{.Names}}:{{.Label "k"}}']).stdout, 'one:v\n');
  assert.equal(
    home.foster(['ps', '-a', '--format', 'table {{.Names}}\\t{{.State}}']).stdout,
    'NAMES   STATE\none     exited\n',
  );
  assert.equal(home.foster(['ps', '-aq']).stdout, `${id.slice(0, 12)}\n`);
  assert.equal(home.foster(['ps', '-aq', '--no-trunc']).stdout, `${id}\n`);
  assert.equal(home.foster(['ps', '-q']).stdout, '');
});

test('ps --filter', () => {
  const id = ended('alpha', 0, '--label', 'tier=web', '--label', 'x');
  ended('beta', 2, '--label', 'tier=db');
  const names = (...filters: string[]) =>
    lines(
      home.foster(['ps', '-a', '--format', '{{.Names}}', ...filters.flatMap((one) => ['--filter', one])])
        .stdout,
    ).toSorted();
  assert.deepEqual(names(), ['alpha', 'beta']);
  assert.deepEqual(names('name=alp'), ['alpha']);
  assert.deepEqual(names('name=alp', 'name=bet'), ['alpha', 'beta']);
  assert.deepEqual(names(`id=${id.slice(0, 5)}`), ['alpha']);
  assert.deepEqual(names('status=exited'), ['alpha', 'beta']);
  assert.deepEqual(names('status=running'), []);
  assert.deepEqual(names('exited=2'), ['beta']);
  assert.deepEqual(names('label=tier'), ['alpha', 'beta']);
  assert.deepEqual(names('label=tier=web', 'label=x'), ['alpha']);
  assert.deepEqual(names('label=tier=db', 'label=x'), []);
  assert.deepEqual(names('status=exited', 'name=beta'), ['beta']);
  const wrong = home.foster(['ps', '--filter', 'colour=red']);
  assert.deepEqual([wrong.stdout, wrong.status !== 0], ['', true]);
  assert.match(
    wrong.stderr,
    /^foster: --filter 'colour=red': expected KEY=VALUE, KEY being one of .*\bname\b/,
  );
});

test('inspect: all details, in the format of docker inspect', () => {
  const id = ended(
    'seen',
    5,
    '-e',
    'A=1',
    '-w',
    '/work',
    '-u',
    '7:8',
    '--read-only',
    '-v',
    `${home.shared}:/data:ro`,
  );
  const [object] = JSON.parse(home.foster(['inspect', 'seen']).stdout);
  assert.equal(object.Id, id);
  assert.equal(object.Name, '/seen');
  assert.deepEqual([object.Path, object.Args], ['sh', ['-c', 'exit 5']]);
  assert.deepEqual(
    [object.State.Status, object.State.Running, object.State.ExitCode, object.State.Pid],
    ['exited', false, 5, 0],
  );
  const [started, finished] = [object.State.StartedAt, object.State.FinishedAt].map(Date.parse);
  assert.ok(started && finished && started <= finished && Math.abs(Date.now() - finished) < 600_000);
  assert.ok(object.Config.Env.includes('A=1'));
  assert.deepEqual([object.Config.WorkingDir, object.Config.User], ['/work', '7:8']);
  assert.equal(object.HostConfig.ReadonlyRootfs, true);
  const mounts = object.Mounts.map((one: Record<string, unknown>) => [
    one.Type,
    one.Source,
    one.Destination,
    one.RW,
  ]);
  assert.deepEqual(mounts, [['bind', home.shared, '/data', false]]);
  assert.equal(
    home.foster(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'seen']).stdout,
    'exited 5\n',
  );
});

test('inspect of a running container: the pid of its PID 1 on the host', async () => {
  const running = await alive('lives');
  const pid = Number(home.foster(['inspect', '-f', '{{.State.Pid}}', 'lives']).stdout);
  assert.ok(running.processes().some((one) => one.pid === pid && one.name === 'foster-init'));
  running.signal('SIGTERM');
  assert.equal((await running.ended).status, 143);
  assert.equal(
    home.foster(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}', 'lives']).stdout,
    'exited 143 0\n',
  );
});

test('a container is found by its name, its id, or an unambiguous prefix of its id', () => {
  const id = ended('named');
  for (const reference of ['named', id, id.slice(0, 12), id.slice(0, 4)])
    assert.equal(home.foster(['inspect', '-f', '{{.Name}}', reference]).stdout, '/named\n', reference);
  const missing = home.foster(['inspect', 'nobody']);
  assert.deepEqual([missing.stdout, missing.status], ['[]\n', 1]);
  assert.match(
    missing.stderr,
    /^foster: no such container, image, network, volume or pod: nobody; 'foster ps -a', 'foster images', 'foster network ls', 'foster volume ls' and 'foster pod ps' list them\n$/,
  );
  // A second one whose id starts alike.
  const twin = `${id.slice(0, 8)}${'0'.repeat(56)}`;
  mkdirSync(join(containers, twin));
  writeFileSync(
    join(containers, twin, 'config.json'),
    readFileSync(join(containers, id, 'config.json'), 'utf8').replaceAll(id, twin),
  );
  const both = home.foster(['inspect', id.slice(0, 8)]);
  assert.equal(both.status, 1);
  assert.match(
    both.stderr,
    /^foster: [0-9a-f]{8} is the start of 2 container ids; give more characters of it\n$/,
  );
  rmSync(join(containers, twin), { recursive: true });
});

test('rm: by name, several, although one is missing', () => {
  ended('a1');
  ended('a2');
  const result = home.foster(['rm', 'a1', 'nobody', 'a2']);
  assert.deepEqual(lines(result.stdout).toSorted(), ['a1', 'a2']);
  assert.equal(result.status, 1);
  assert.match(result.stderr, /^foster: no such container: nobody/);
  assert.deepEqual(readdirSync(containers), []);
});

test('rm does not touch a running container; rm -f kills it', async () => {
  const running = await alive('busy');
  const refused = home.foster(['rm', 'busy']);
  assert.deepEqual([refused.stdout, refused.status], ['', 1]);
  assert.match(refused.stderr, /^foster: cannot remove container busy: it is running; .*foster rm -f busy/);
  assert.equal(lines(home.foster(['ps', '-q']).stdout).length, 1);
  const forced = home.foster(['rm', '-f', 'busy']);
  assert.deepEqual([forced.stdout, forced.stderr, forced.status], ['busy\n', '', 0]);
  assert.equal((await running.ended).status, 137);
});

test("rm removes files of the container's other users", () => {
  const script = 'mkdir -p /x/y && chown 1000:1000 /x /x/y && chmod 0 /x/y && chmod 500 /x';
  assert.equal(home.run(['--name', 'owner', 'busybox', 'sh', '-c', script]).status, 0);
  assert.deepEqual([home.foster(['rm', 'owner']).stderr, readdirSync(containers)], ['', []]);
});

test('prune asks, and removes all stopped containers', async () => {
  ended('gone1');
  ended('gone2', 1);
  const running = await alive('stays');
  const refused = home.foster(['prune'], { input: 'n\n' });
  assert.equal(refused.status, 0, 'a no is no failure');
  const unanswered = home.foster(['prune']);
  assert.equal(unanswered.status, 1, 'nobody was asked');
  assert.match(
    unanswered.stderr,
    /^foster: nothing was removed: standard input ended before an answer; use --force/,
  );
  assert.match(refused.stdout, /^WARNING! .*\nAre you sure you want to continue\? \[y\/N\] /);
  assert.equal(readdirSync(containers).length, 3);
  const agreed = home.foster(['prune'], { input: 'y\n' });
  assert.equal(agreed.status, 0);
  assert.equal(agreed.stdout.match(/^[0-9a-f]{64}$/gm)?.length, 2);
  assert.equal(lines(home.foster(['ps', '-aq']).stdout).length, 1);
  assert.equal(home.foster(['prune', '-f']).stdout.match(/^[0-9a-f]{64}$/gm), null);
  running.signal('SIGKILL');
  await running.ended;
});

test('prune -f removes what crashes left behind: folders without a record, names without a container', () => {
  const id = ended('broken');
  truncateSync(join(containers, id, 'config.json'));
  assert.deepEqual(lines(home.foster(['ps', '-aq']).stdout), [], 'half a record is no container');
  const lost = ended('lost');
  rmSync(join(containers, lost), { recursive: true });
  assert.equal(home.foster(['prune', '-f']).status, 0);
  assert.deepEqual(home.leftFolders(), []);
  assert.equal(home.run(['--rm', '--name', 'lost', 'busybox', 'true']).status, 0, 'the name is free');
});

test('a container whose monitor was killed is dead, and can be removed', async () => {
  const running = await alive('orphaned');
  running.signal('SIGKILL');
  await running.ended;
  // its PID 1 may live for a moment longer
  await waitUntil('it is shown as dead', () =>
    / (Dead|Exited \(137\)).* orphaned$/.test(lines(home.foster(['ps', '-a']).stdout)[1] ?? ''),
  );
  assert.equal(home.foster(['rm', 'orphaned']).status, 0);
});

test('info: what foster can do on this machine', () => {
  ended('counted');
  const info = JSON.parse(home.foster(['info', '--format', 'json']).stdout);
  assert.equal(info.containers.total, 1);
  assert.equal(info.user.uid, process.getuid?.());
  assert.equal(info.namespaces.user, 'can be made');
  assert.equal(info.host.node, process.version);
  assert.equal(info.storage.data, join(home.folder, 'data/foster'));
  assert.match(home.foster(['info']).stdout, /^containers:\n {2}total: 1\n/m);
});

test('many runs at once: each gets its own name and folder', async () => {
  const many = await Promise.all(Array.from({ length: 8 }, () => home.start(['busybox', 'true']).ended));
  assert.deepEqual(
    many.map(({ status, stderr }) => [status, stderr]),
    Array(8).fill([0, '']),
  );
  const names = lines(home.foster(['ps', '-a', '--format', '{{.Names}}']).stdout);
  assert.equal(new Set(names).size, 8);
  const taken = await Promise.all(
    Array.from({ length: 4 }, () => home.start(['--name', 'wanted', 'busybox', 'true']).ended),
  );
  assert.deepEqual(taken.map(({ status }) => status).toSorted(), [0, 125, 125, 125]);
});
