import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { CONTROL_START, decodeReport, encodePlan, REPORT_SIZE, type Report } from '../../src/init/wire.js';
import { type Plan, type Step, step } from '../../src/plan/step.js';
import { FOSTER } from './support/foster.js';

/** foster-init of the other architecture, in QEMU's emulation of a process. It lacks namespaces: the emulator has threads. */
const [arch, emulator] =
  process.arch === 'x64' ? ['arm64', 'qemu-aarch64-static'] : ['x64', 'qemu-x86_64-static'];
const program = join(dirname(FOSTER), arch, 'foster-init');
const skip =
  !existsSync(program) || spawnSync(emulator, ['--version']).status !== 0
    ? `there is no ${program}, or no ${emulator}`
    : false;
const folder = mkdtempSync(join(tmpdir(), 'foster-other-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function planOf(init: Step[], script: string): Plan {
  return {
    version: 1,
    namespaces: [],
    isNested: false,
    host: [],
    init,
    process: [step('go to the folder', 'chdir', [folder])],
    program: { paths: ['/nosuch/sh', '/bin/sh'], argv: ['sh', '-c', script], env: ['PATH=/bin:/usr/bin'] },
    terminal: false,
    shim: true,
    verbose: false,
    signalGroup: false,
    counts: false,
    sharedPids: true,
    graceMs: 1000,
  };
}

/** The plan with the other architecture's numbers of system calls. */
function encoded(plan: Plan): Uint8Array {
  const own = Object.getOwnPropertyDescriptor(process, 'arch') ?? {};
  Object.defineProperty(process, 'arch', { ...own, value: arch });
  try {
    return encodePlan(plan, { trace: true });
  } finally {
    Object.defineProperty(process, 'arch', own);
  }
}

/** Runs a plan: the reports, what the program prints, and the exit code. */
async function run(plan: Plan): Promise<{ reports: Report[]; output: string; code: number | null }> {
  const path = join(folder, 'plan');
  writeFileSync(path, encoded(plan));
  const blob = openSync(path, 'r');
  const child = spawn(emulator, [program], { stdio: ['ignore', 'pipe', 'inherit', 'pipe', blob] });
  closeSync(blob);
  const control = child.stdio[3] as Socket;
  const reports: Report[] = [];
  let [rest, output] = [Buffer.alloc(0), ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  control.on('data', (bytes: Buffer) => {
    for (rest = Buffer.concat([rest, bytes]); rest.length >= REPORT_SIZE; rest = rest.subarray(REPORT_SIZE)) {
      const report = decodeReport(rest);
      reports.push(report);
      if (report.kind === 'ready') control.write(CONTROL_START);
    }
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { reports, output, code };
}

const WRITE: Step[] = [
  step('create a file', 'openat', [-100, join(folder, 'file'), 0o1101, 0o644], { result: 'file' }),
  step('write it', 'write', [{ result: 'file' }, 'hello', 5]),
];

test(`foster-init for ${arch} runs a plan and its program, and returns the exit code`, { skip }, async () => {
  const { reports, output, code } = await run(planOf(WRITE, 'pwd; (sleep 0.1 &); exit 7'));
  assert.deepEqual([output, code], [`${folder}\n`, 7]);
  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'hello');
  const kinds = reports.map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 5), ['step', 'step', 'step', 'ready', 'executed']);
});

test(`foster-init for ${arch} reports the step that fails`, { skip }, async () => {
  const missing = step('open what is missing', 'openat', [-100, join(folder, 'nosuch', 'x'), 0, 0]);
  const { reports, code } = await run(planOf([missing], 'exit 0'));
  assert.deepEqual(reports, [{ kind: 'failed', index: 0, errno: 2, detail: 0 }]);
  assert.equal(code, 125);
});

test(`foster-init for ${arch} without a plan ends with exit code 125`, { skip }, () => {
  assert.equal(spawnSync(emulator, [program]).status, 125);
});
