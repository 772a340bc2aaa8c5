import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { surroundings } from '../sys/surroundings.js';
import type { AnyCheck, ProbeGroup } from './check.js';
import { MOST_WAITING, type ProbeAnswer, type ProbeOrder } from './protocol.js';

/**
 * Probes for checks, each group in a process of its own, all at the same time.
 * @param timeout milliseconds, after which those processes are killed
 * @returns the answers by the names of the checks; none for those that took too long
 */
export async function probe(checks: readonly AnyCheck[], timeout: number): Promise<Map<string, ProbeAnswer>> {
  const answers = new Map<string, ProbeAnswer>();
  const groups: ProbeGroup[] = ['reads', 'trials'];
  await Promise.all(
    groups.map(async (group) => {
      const names = checks.filter((check) => check.group === group).map(({ name }) => name);
      if (names.length > 0) await probeGroup(names, timeout, (line) => answers.set(line.name, line));
    }),
  );
  return answers;
}

/** Resolves when the process has answered for all, has ended, or has taken too long. */
function probeGroup(names: string[], timeout: number, take: (line: ProbeAnswer) => void): Promise<void> {
  const { env, dataRoot, storageDriver } = surroundings();
  const order: ProbeOrder = {
    names,
    env: { ...env },
    ...(dataRoot !== undefined && { dataRoot }),
    ...(storageDriver !== undefined && { storageDriver }),
  };
  const child = spawn(process.execPath, [join(__dirname, 'doctor-main.cjs')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    env: { UV_THREADPOOL_SIZE: String(MOST_WAITING) },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MOST_SAID);
  });
  const open = new Set(names);
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      open.clear(); // they have taken too long, which its end does not change
      child.kill('SIGKILL');
      // the kernel may not end it before the file system answers: nothing waits for it any more
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      done();
    }, timeout);
    child.once('error', (error) => {
      clearTimeout(timer);
      fail(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const message = `the process that looks has ended too early: ${endText(code, signal, said)}`;
      for (const name of open) take({ name, failure: { message } });
      done();
    });
    child.stdin.on('error', () => {}); // it has ended already
    child.stdin.end(JSON.stringify(order));
    createInterface(child.stdout).on('line', (line) => {
      const answer = JSON.parse(line) as ProbeAnswer;
      open.delete(answer.name);
      take(answer);
    });
  });
}

/** Characters of its standard error that are kept. */
const MOST_SAID = 10_000;

function endText(code: number | null, signal: string | null, said: string): string {
  const how = signal === null ? `exit code ${code}` : signal;
  const reason = said.split('\n').find((line) => /error/i.test(line));
  return reason === undefined ? how : `${how}, ${reason.trim()}`;
}
