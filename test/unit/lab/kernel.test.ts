import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { containersOf, examine } from '../../../src/lab/check.js';
import { atLeast, contains, differentFrom, exactly, nothing, sameAs } from '../../../src/lab/expect.js';
import { KernelProcess } from '../../../src/lab/kernel/process.js';
import { World } from '../../../src/lab/kernel/world.js';
import { exitCode } from '../../../src/lab/looks/processes.js';
import { same } from '../../../src/lab/text.js';
import { processStart } from '../../../src/sys/process.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../../src/sys/surroundings.js';

setSurroundings({ ...NO_SURROUNDINGS, env: { XDG_DATA_HOME: '/nowhere' } });

test('a process is read by its open folder: not when it has ended, and never another one with its pid', async () => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const start = processStart(pid) ?? '';
  assert.equal(KernelProcess.open(pid, String(Number(start) + 1)), undefined);
  const opened = KernelProcess.open(pid, start);
  assert.ok(opened !== undefined);
  assert.equal(opened.command(), 'sleep 1000');
  assert.equal(opened.stat()?.parent, process.pid);
  assert.equal(opened.pids()[0], pid);
  assert.equal(opened.user(), process.getuid?.());
  assert.match(opened.link('ns/pid') ?? '', /^pid:\[\d+\]$/);
  assert.ok(opened.openRoot() !== undefined);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(opened.stat(), undefined);
  assert.equal(opened.command(), '');
  assert.deepEqual(opened.pids(), []);
  assert.equal(opened.openRoot(), undefined);
  opened.close();
  assert.equal(KernelProcess.open(pid, start), undefined);
});

test('an expectation holds for what it says, and never for nothing', () => {
  const world = new World('/');
  const cases = [
    { want: exactly(3), good: [3], bad: ['3', 2, undefined] },
    { want: atLeast(3), good: [3, 4], bad: [2, '4', undefined] },
    { want: contains('ff'), good: ['0ff0'], bad: ['0f0', undefined] },
    { want: nothing, good: [undefined], bad: [0, ''] },
  ];
  for (const { want, good, bad } of cases) {
    for (const value of good) assert.ok(want.holds(value, world), `${want.text.en}: ${value}`);
    for (const value of bad) assert.ok(!want.holds(value, world), `${want.text.en}: ${value}`);
  }
});

test('a check is met only if what it looks at is there and as wanted; what is not there is named', () => {
  const what = same('a fact');
  const found = (value: string | number | undefined) => () => ({ value, from: 'somewhere' });
  const checks = [
    { what, look: found(3), want: atLeast(3) },
    { what, look: found(2), want: atLeast(3) },
    { what, look: found(undefined), want: exactly(0) },
    { what, look: exitCode('lab-nobody'), want: exactly(0) },
    { what, look: found('x'), want: sameAs(found('x'), 'another') },
    { what, look: found(undefined), want: sameAs(found(undefined), 'another') },
    { what, look: found(undefined), want: differentFrom(found('x'), 'another') },
  ];
  const findings = examine(checks, '/');
  assert.deepEqual(
    findings.map(({ isMet }) => isMet),
    [true, false, false, false, true, false, false],
  );
  assert.equal(findings[3]?.found.en, 'there is no container lab-nobody');
  assert.throws(() => examine([{ what, look: () => assert.fail('a bug'), want: exactly(0) }], '/'), /a bug/);
  assert.deepEqual(containersOf(checks, '/'), ['lab-nobody']);
});
