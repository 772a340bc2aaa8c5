import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, readFileSync, readSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hostResults, runHostSteps } from '../../../src/launch/host-steps.js';
import { type HostStep, PID } from '../../../src/plan/step.js';
import { storageStep } from '../../../src/plan/storage-program.js';
import type { FosterError } from '../../../src/sys/errors.js';
import { readMemoryFile, socketPair } from '../../../src/sys/libc.js';

/** The launcher by itself, with a process that it is for and programs that anybody may run. */
const target: ChildProcess = spawn('sleep', ['1000'], { stdio: 'ignore' });
const pid = target.pid ?? 0;
after(() => target.kill('SIGKILL'));

const shell = (script: string, why = 'run a script'): HostStep => ({
  kind: 'run',
  path: '/bin/sh',
  args: ['sh', '-c', script, 'sh', PID],
  why,
});

/** The sentence with which they fail; of our children none may be left, not even as a zombie, but the target. */
function failureOf(steps: HostStep[]): string {
  let sentence = '';
  assert.throws(
    () => runHostSteps(steps, { pid }),
    (error: FosterError) => {
      sentence = error.sentence;
      return true;
    },
  );
  assert.deepEqual(children(), [pid]);
  return sentence;
}

function children(): number[] {
  const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

test('a program gets the pid, its words, /dev/null and our stderr; nothing else', () => {
  const { output: said } = runHostSteps([shell('echo "$1" >&2; exec >&2 ls -l /proc/self/fd')], { pid });
  assert.ok(said !== undefined);
  const [first, ...listed] = readMemoryFile(said).replaceAll('\0', '').trim().split('\n');
  assert.equal(first, String(pid));
  const open = listed.flatMap((line) => / -> (.*)$/.exec(line)?.[1] ?? []);
  const output = '/memfd:foster-output (deleted)'; // 1 too, here
  assert.deepEqual(open.slice(0, 3), ['/dev/null', output, output]);
  assert.match(open.slice(3).join(), /^\/proc\/\d+\/fd$/, 'its own, of the folder that it lists');
  assert.deepEqual(children(), [pid]);
});

test('programs that follow each other run side by side, and the first that fails is told', () => {
  // each waits for the other one
  const folder = `/tmp/foster-side-${process.pid}`;
  const meet = (mine: string, other: string) =>
    shell(
      `mkdir -p ${folder}; mkfifo ${folder}/${mine}; until [ -e ${folder}/${other} ]; do sleep 0.01; done`,
    );
  runHostSteps([meet('one', 'two'), meet('two', 'one')], { pid });
  runHostSteps([shell(`rm -r ${folder}`)], { pid });
  const failing = [
    shell('true', 'do one'),
    shell('echo sh: no >&2; exit 3', 'do two'),
    shell('exit 4', 'do three'),
  ];
  assert.equal(failureOf(failing), 'cannot do two: sh failed: sh: no');
  assert.equal(failureOf([shell('exit 4', 'do it')]), 'cannot do it: sh failed: exit code 4');
  assert.equal(failureOf([shell('kill -9 $$', 'do it')]), 'cannot do it: sh failed: killed by signal 9');
});

test('a program that cannot be executed is told, and the one beside it is ended', () => {
  const missing: HostStep = { kind: 'run', path: '/none/x', args: ['x'], why: 'run x' };
  assert.equal(
    failureOf([shell('exec sleep 1000'), missing]),
    'cannot run x: no such file or directory (ENOENT) from execve("/none/x", ["x"])',
  );
});

test('writing to a file below /proc/PID', () => {
  const write = (file: string, text: string): HostStep => ({ kind: 'write', file, text, why: 'write it' });
  runHostSteps([write('oom_score_adj', '500')], { pid });
  assert.equal(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'), '500\n');
  assert.match(
    failureOf([write('oom_score_adj', 'x')]),
    /^cannot write it: invalid argument \(EINVAL\) from write\(\/proc\/PID\/oom_score_adj, "x"\)$/,
  );
  assert.match(failureOf([write('none', 'x')]), /\(ENOENT\) from write\(\/proc\/PID\/none/);
});

test('what a program reports that is to go on is told by its part, and that it does not start', () => {
  const storage = storageStep({ program: '/p', container: '/none', layers: ['/'] }, {});
  const sentence = failureOf([storage]);
  assert.match(sentence, /^cannot (open \/dev\/fuse|use the container's own folder): /);
});

test('resume says a byte; where nobody hears it any more the rest is left', () => {
  const [ours, theirs] = socketPair();
  const resume: HostStep = { kind: 'resume', why: 'go on' };
  runHostSteps([resume], { pid, control: ours });
  const buffer = Buffer.alloc(8);
  assert.equal(readSync(theirs, buffer), 1);
  assert.equal(buffer.toString('latin1', 0, 1), 'R');
  const [dead, gone] = socketPair();
  closeSync(gone);
  const after: HostStep = { kind: 'write', file: 'none', text: 'x', why: 'never be done' };
  runHostSteps([resume, after], { pid, control: dead });
});

test('a mount that cannot be made is told with what it is for', () => {
  const hand: HostStep = {
    kind: 'hand',
    source: '/none',
    isDeep: false,
    allowsDevices: false,
    mustShift: false,
    why: 'take /none',
  };
  assert.throws(
    () => runHostSteps([hand], { pid, userNamespace: 0, control: 0 }),
    /^FosterError: cannot take \/none: (no such file or directory \(ENOENT\)|operation not permitted \(EPERM\))$/,
  );
  const folder = mkdtempSync(join(tmpdir(), 'foster-hand-'));
  symlinkSync('/', join(folder, 'link'));
  const beneath = { top: folder, path: 'link' };
  assert.throws(
    () => runHostSteps([{ ...hand, beneath }], { pid, userNamespace: 0, control: 0 }),
    /^FosterError: cannot take \/none: too many symbolic links encountered \(ELOOP\)$/,
  );
  rmSync(folder, { recursive: true });
  const work = runHostSteps([hand], { pid });
  assert.deepEqual(hostResults(work), [0], 'without a user namespace its process has ended, and says why');
});

test('steps that make no sense are refused, and nothing of them is done', () => {
  const marker = `/tmp/foster-refused-${process.pid}`;
  const many: HostStep = {
    kind: 'run',
    path: '/bin/true',
    args: Array.from({ length: 3000 }, () => 'x'),
    why: 'do it',
  };
  assert.match(failureOf([shell(`touch ${marker}`), many]), /: invalid argument \(EINVAL\)/);
  assert.ok(!existsSync(marker));
});
