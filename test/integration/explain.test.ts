import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Home } from './support/foster.js';

/** --dry-run and --explain. */
const home = new Home();

interface PrintedStep {
  phase: string;
  call: string;
  why: string;
}

test('--dry-run prints the plan as JSON, runs nothing and leaves nothing', async () => {
  const mark = join(home.shared, 'mark');
  const flags = [
    '--dry-run',
    '--name',
    'never',
    '--cidfile',
    join(home.folder, 'cid'),
    '-v',
    `${home.shared}:/data`,
  ];
  const { stdout, stderr, status } = home.shell('touch /data/mark', flags);
  assert.deepEqual([stderr, status], ['', 0]);
  const plan = JSON.parse(stdout);
  assert.equal(plan.version, 1);
  assert.match(plan.clone, /CLONE_NEWUSER/);
  const steps: PrintedStep[] = plan.steps;
  assert.ok(steps.length > 80);
  for (const step of steps) assert.ok(step.phase && step.call && step.why, JSON.stringify(step));
  assert.ok(steps.some(({ call }) => call === 'pivot_root(".", ".")'));
  assert.match(steps.at(-1)?.call ?? '', /^execve\(.*\["sh", "-c", "touch \/data\/mark"\]/);
  assert.deepEqual(readdirSync(home.shared), []);
  assert.ok(!readdirSync(home.folder).includes('cid'));
  rmSync(mark, { force: true });
  await home.assertNothingLeft();
});

test('--dry-run refuses what a run would refuse before it starts', () => {
  const { status, stderr } = home.run(['--dry-run', '-u', 'nobody-at-all', 'busybox', 'true']);
  assert.equal(status, 125);
  assert.match(stderr, /no user nobody-at-all/);
});

test('--explain prints the steps of that plan, in order, each with its result, then runs', async () => {
  const flags = ['-h', 'fixed', '--tmpfs', '/run'];
  const plan = JSON.parse(home.shell('echo done', [...flags, '--dry-run']).stdout);
  const { stdout, stderr, status } = home.shell('echo done', [...flags, '--explain']);
  assert.deepEqual([stdout, status], ['done\n', 0]);
  const printed = stderr.split('\n').filter((line) => line.startsWith('       '));
  const calls = printed.map((line) => line.trim());
  const steps: PrintedStep[] = plan.steps;
  assert.equal(calls.length, steps.length);
  for (const [index, { call, phase }] of steps.entries()) {
    // What names the container or its process differs from one run to the next.
    const mask = (text: string) =>
      text.replace(/[0-9a-f]{64}|\bPID\b|"\d+", "0"|= \d+$/g, '*').replace(/ = \*$/, '');
    const said = calls[index] ?? '';
    if (phase === 'foster') continue;
    const isLast = index === steps.length - 1;
    assert.equal(mask(isLast ? said : said.replace(/ = -?\d+$/, '')), mask(call), `step ${index}`);
    if (!isLast) assert.match(said, / = -?\d+$/);
  }
  const reasons = stderr.split('\n').filter((line) => /^ *\d+ {2}/.test(line));
  assert.deepEqual(
    reasons.map((line) => Number.parseInt(line, 10)),
    Array.from(reasons, (_, index) => index + 1),
  );
  assert.match(stderr, /^foster, before there is a container:\n/);
  assert.match(stderr, /\nPID 1, in its new namespaces:\n/);
  assert.match(stderr, /\nthe user's process, a child of PID 1:\n/);
  await home.assertNothingLeft();
});

test('--explain of a step that fails ends with that step, and the same reason', () => {
  const { stdout, stderr, status } = home.shell('true', ['--explain', '--sysctl', 'net.no.such=1']);
  assert.deepEqual([stdout, status], ['', 125]);
  const lines = stderr.trimEnd().split('\n');
  assert.match(
    lines.at(-1) ?? '',
    /^foster: cannot set the kernel parameter net\.no\.such to 1: no such file/,
  );
  assert.ok(!stderr.includes('PR_CAPBSET_DROP'), 'nothing after it is told');
  assert.deepEqual(home.leftFolders(), []);
});

test('--explain shows the effect of --no-init and of a joined namespace', async () => {
  const { stderr } = home.shell('true', ['--explain', '--no-init']);
  assert.match(stderr, /the user's process, which is PID 1 itself:/);
  const other = home.start(['--rm', '--name', 'other', 'busybox', 'sh', '-c', 'echo up; exec sleep 1000']);
  await other.says('up');
  const joined = home.shell('true', ['--explain', '--pid', 'container:other']);
  assert.equal(joined.status, 0);
  assert.match(joined.stderr, /setns\(8, CLONE_NEWUSER\|CLONE_NEWPID\) = 0/);
  other.signal('SIGTERM');
  await other.ended;
  await home.assertNothingLeft();
});

test('a dry run checks the tree of a folder, but not that of a recipe', () => {
  const tree = join(home.folder, 'tree');
  mkdirSync(tree, { recursive: true });
  assert.equal(home.run(['--dry-run', tree, 'x']).status, 0);
  assert.deepEqual(readdirSync(tree), []);
});
