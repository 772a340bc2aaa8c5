import { readFileSync, writeSync } from 'node:fs';
import { setParentDeathSignal } from '../sys/libc.js';
import { NO_SURROUNDINGS, setSurroundings } from '../sys/surroundings.js';
import type { AnyCheck } from './check.js';
import { CHECKS } from './checks.js';
import { failureOf } from './failure.js';
import type { ProbeAnswer, ProbeOrder } from './protocol.js';

/**
 * The process that probes for `foster doctor` (probe.ts), which ends it if it takes too long: what waits for a dead file system
 * waits here.
 */
async function main(): Promise<void> {
  const SIGKILL = 9;
  setParentDeathSignal(SIGKILL);
  const order = JSON.parse(readFileSync(0, 'utf8')) as ProbeOrder;
  const { env, dataRoot, storageDriver, names } = order;
  setSurroundings({ ...NO_SURROUNDINGS, env, dataRoot, storageDriver });
  const checks = CHECKS.filter(({ name }) => names.includes(name));
  const trials = checks.filter(({ group }) => group === 'trials');
  const reads = checks.filter(({ group }) => group === 'reads').map(answer);
  for (const check of trials) await answer(check);
  await Promise.all(reads);
}

async function answer(check: AnyCheck): Promise<void> {
  const { name } = check;
  try {
    send({ name, facts: await check.probe() });
  } catch (error) {
    send({ name, failure: failureOf(error) });
  }
}

function send(line: ProbeAnswer): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

void main();
