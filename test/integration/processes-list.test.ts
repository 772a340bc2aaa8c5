import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Home, type Running } from './support/foster.js';
import { waitUntil } from './support/wait.js';

const home = new Home();

async function start(name: string, script: string, flags: string[] = []): Promise<Running> {
  const running = home.start(['--name', name, ...flags, 'busybox', 'sh', '-c', script]);
  await running.says('ready');
  return running;
}

function lines(args: string[], env: Record<string, string> = {}): string[] {
  const { status, stdout, stderr } = home.foster(args, { env });
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return stdout.trimEnd().split('\n');
}

/** A sleep that is adopted, one whose parent sleeps too, and a zombie: its parent has become a program that does not wait. */
const FAMILY =
  '(sleep 3301 &); sh -c "sleep 3302; :" & sh -c "true & exec sleep 3303" & echo ready; exec sleep 3304';

test("top lists all processes with the host's pids", async () => {
  const running = await start('family', FAMILY);
  await waitUntil('all have become what they are', () => {
    const text = lines(['top', '--tree', 'family'], { LC_ALL: 'C.UTF-8' }).join('\n');
    const settled = [
      /─ \[sh\].*zombie/,
      /adopted/,
      ...[3301, 3302, 3303, 3304].map((n) => new RegExp(`S .*─ sleep ${n}\\b`)),
    ];
    return settled.every((one) => one.test(text));
  });
  const [head = '', ...rows] = lines(['top', 'family']);
  assert.deepEqual(head.split(/\s+/), ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
  const pids = rows.map((row) => Number(row.split(/\s+/)[1])).sort();
  const zombies = rows.filter((row) => row.endsWith('<defunct>'));
  assert.equal(zombies.length, 1, rows.join('\n'));
  assert.deepEqual(
    pids.filter((pid) => pid !== Number(zombies[0]?.split(/\s+/)[1])),
    running
      .processes()
      .map(({ pid }) => pid)
      .sort(),
  );
  assert.match(rows.join('\n'), /00:00:00 +sleep 3304$/m);

  const columns = lines(['top', 'family', '-o', 'nspid,stat,cmd']);
  assert.match(columns.join('\n'), /^NSPID +STAT +CMD$/m);
  assert.match(columns.join('\n'), /^1 +S +foster-init$/m);
  assert.match(columns.join('\n'), /^2 +S +sleep 3304$/m);
  assert.match(lines(['top', 'family', 'aux'])[0] ?? '', /^USER +PID +%CPU/);
  assert.equal(home.foster(['top', 'family', '-o', 'nonsense']).status, 1);
  assert.equal(home.foster(['top', 'family', '--forest']).status, 125);
});

test('the tree shows parents and children, zombies and orphans', () => {
  const tree = lines(['top', '--tree', 'family'], { LC_ALL: 'C.UTF-8' });
  const commands = tree.slice(1).map((line) => line.replace(/^(\S+) +\d+ +(\S) +/, '$1 $2 '));
  const text = commands.join('\n');
  assert.match(text, /^1 S foster-init\n2 S ├─ sleep 3304\n/);
  assert.match(text, /S │ {2}├─ sh -c sleep 3302; :\n\d+ S │ {2}│ {2}└─ sleep 3302\n/);
  assert.match(
    text,
    /S │ {2}└─ sleep 3303\n\d+ Z │ {5}└─ \[sh\] {2}\(zombie: its parent has not waited for it\)\n/,
  );
  assert.match(text, /S └─ sleep 3301 {2}\(adopted by PID 1, was in session 1, group 2\)$/);
  assert.deepEqual(lines(['ps', '--tree', 'family'], { LC_ALL: 'C.UTF-8' }), tree);
  assert.match(lines(['top', '--tree', 'family'], { LC_ALL: 'C' }).join('\n'), /`- sleep 3301/);

  interface Node {
    pid: number;
    state: string;
    command: string;
    adopted?: unknown;
    children: Node[];
  }
  const [init] = JSON.parse(lines(['top', '--tree', '--format', 'json', 'family']).join('\n')) as Node[];
  assert.equal(init?.pid, 1);
  assert.deepEqual(
    init?.children.map(({ command, adopted }) => [command, adopted]),
    [
      ['sleep 3304', undefined],
      ['sleep 3301', { session: 1, group: 2 }],
    ],
  );
});

test('processes of a PID namespace in the container are shown too', async () => {
  const running = await start('nested', 'unshare -p -f sh -c "echo ready; sleep 3305; :"', [
    '--cap-add',
    'SYS_ADMIN',
    '--security-opt',
    'seccomp=unconfined',
  ]);
  await waitUntil('it is listed', () => /sleep 3305$/m.test(lines(['top', 'nested']).join('\n')));
  assert.equal(home.foster(['kill', 'nested']).status, 0);
  await running.ended;
});

test('stats', async () => {
  const busy = await start('spinning', 'echo ready; while :; do :; done');
  await waitUntil('CPU time is used', () => busy.processes().some(({ ticks }) => ticks > 5));
  const [head = '', ...rows] = lines(['stats', '--no-stream']);
  assert.equal(
    head.replace(/ {2,}/g, '|'),
    'CONTAINER ID|NAME|CPU %|MEM USAGE / LIMIT|MEM %|NET I/O|BLOCK I/O|PIDS',
  );
  assert.equal(rows.length, 2);
  const cpu = (name: string) =>
    Number(lines(['stats', '--no-stream', '--format', '{{.CPUPerc}}', name])[0]?.replace('%', ''));
  assert.ok(cpu('family') < 5);
  const used = () => busy.processes().reduce((sum, { ticks }) => sum + ticks, 0) * 10;
  await waitUntil('it shows about what the machine had for it just now', () => {
    const [before, began] = [used(), performance.now()];
    const spinning = cpu('spinning');
    const share = ((used() - before) / (performance.now() - began)) * 100;
    return spinning > share / 3 && spinning < share * 3;
  });
  const [json] = lines(['stats', '--no-stream', '--format', 'json', 'family']).map((line) =>
    JSON.parse(line),
  );
  assert.deepEqual([json.Name, json.PIDs], ['family', '7']);
  assert.match(json.MemUsage, /^[\d.]+[KM]iB \/ [\d.]+GiB$/);
  assert.equal(home.foster(['stats', '--no-stream', 'nobody']).status, 1);
  assert.equal(home.foster(['kill', 'spinning', 'family']).status, 0);
  await busy.ended;
  const stopped = home.foster(['top', 'spinning']);
  assert.equal(stopped.status, 1);
  assert.match(stopped.stderr, /container spinning is not running/);
});

test('nothing is left behind', async () => {
  assert.equal(home.foster(['prune', '-f']).status, 0);
  await home.assertNothingLeft();
});
