import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planCgroups } from '../plan/cgroup/plan.js';
import type { CgroupPlan } from '../plan/cgroup/result.js';
import type { CgroupPlace } from '../plan/step.js';
import { withRates } from '../spec/parse/resources.js';
import type { Limits } from '../spec/request.js';
import type { Resources } from '../spec/types.js';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { writeFileAtomically } from '../sys/files.js';
import { containerFolder } from '../sys/paths.js';
import { blockDevices } from './block-devices.js';
import { cgroupFacts } from './cgroup-facts.js';
import { readCgroups, readOrNot, refuseUnenforced } from './cgroups.js';
import type { ContainerRecord } from './record.js';
import { type Container, isAlive } from './store.js';

const OF_DEVICES = [
  'weightDevice',
  'throttleReadBpsDevice',
  'throttleWriteBpsDevice',
  'throttleReadIOPSDevice',
  'throttleWriteIOPSDevice',
] as const;

/**
 * The record with changed limits. Limits that are not given stay the same.
 * @throws FosterError if the limits contradict each other
 */
export function withLimits(record: ContainerRecord, limits: Limits): ContainerRecord {
  const { spec } = record;
  if (record.limits?.isWithoutCgroup)
    throw new FosterError(`cannot limit container ${record.name}: it was created with --cgroups disabled`, {
      kind: 'conflict',
      exitCode: 1,
      advice: 'create it anew without that',
    });
  const given = withRates(withoutZeros(limits.resources), limits.rates, blockDevices(limits.rates));
  const resources = merged(spec.linux.resources ?? {}, given);
  const { limit = 0, swap = 0 } = resources.memory ?? {};
  if (swap > 0 && (limit <= 0 || limit > swap)) {
    throw new FosterError(
      `cannot limit the memory of container ${record.name}: memory and swap together are limited to less, ${swap} bytes`,
      { kind: 'invalid', exitCode: 1, advice: 'give --memory-swap, too; -1 is any amount' },
    );
  }
  const { rates: before = [], ...asked } = record.limits ?? { ignoresUnenforced: false };
  const isKept = ({ kind, path }: Limits['rates'][number]) =>
    !limits.rates.some((each) => each.kind === kind && each.path === path);
  return {
    ...record,
    limits: {
      ...asked,
      rates: [...before.filter(isKept), ...limits.rates],
      ...(limits.cpus !== undefined && { cpus: limits.cpus }),
      ...(limits.ignoresUnenforced && { ignoresUnenforced: true }),
    },
    spec: { ...spec, linux: { ...spec.linux, resources } },
  };
}

/** 0 lifts a limit. */
function withoutZeros({ memory, cpu, ...others }: Resources): Resources {
  return {
    ...others,
    ...(memory && {
      memory: {
        ...memory,
        ...(memory.limit === 0 && { limit: -1 }),
        ...(memory.reservation === 0 && { reservation: -1 }),
      },
    }),
    ...(cpu && {
      cpu: { ...cpu, ...(cpu.quota === 0 && { quota: -1 }), ...(cpu.shares === 0 && { shares: 1024 }) },
    }),
  };
}

interface Numbers {
  major: number;
  minor: number;
}

function merged(old: Resources, given: Resources): Resources {
  const blockIO = { ...old.blockIO, ...given.blockIO };
  for (const member of OF_DEVICES) {
    const now: Numbers[] = given.blockIO?.[member] ?? [];
    const isKept = ({ major, minor }: Numbers) =>
      !now.some((each) => each.major === major && each.minor === minor);
    const before: Numbers[] = old.blockIO?.[member] ?? [];
    const all = [...before.filter(isKept), ...now];
    if (all.length > 0) Object.assign(blockIO, { [member]: all });
  }
  return {
    ...old,
    ...given,
    ...((old.memory ?? given.memory) && { memory: { ...old.memory, ...given.memory } }),
    ...((old.cpu ?? given.cpu) && { cpu: { ...old.cpu, ...given.cpu } }),
    ...(Object.keys(blockIO).length > 0 && { blockIO }),
  };
}

/** What the monitor reads of the file `limits`, in bytes: src/init/state.c. */
const MOST_LIMITS = 32767;

/** A file of a cgroup and what is written to it. */
interface Change {
  folder: string;
  file: string;
  text: string;
  /** Completes "cannot ...". */
  why: string;
  /** By errno name. */
  advice?: Readonly<Record<string, string>>;
}

/**
 * Checks that limits can be enforced, and sets them if the container runs.
 * @param changed the new record
 * @throws FosterError; then the old limits are restored
 */
export function applyLimits({ record, state }: Container, changed: ContainerRecord): void {
  const { id, name } = record;
  const plan = planCgroups(changed.spec.linux, cgroupFacts(), id, { isChange: true });
  refuseUnenforced(plan.unenforced, changed.limits?.ignoresUnenforced ?? false);
  if (!isAlive(state)) return;
  const changes = inOrder(changesOf(plan, readCgroups(id), name));
  // First the file for the monitor, because it may be about to restart the container, with the plan of the first start.
  const words = changes.flatMap(({ folder, file, text }) => [folder, file, text]);
  const path = join(containerFolder(id), 'limits');
  const before = readOrNot(containerFolder(id), 'limits');
  const text = words.map((word) => `${word}\0`).join('');
  if (Buffer.byteLength(text) > MOST_LIMITS)
    throw new FosterError(`cannot change the limits of container ${name} while it runs: they are too many`, {
      kind: 'conflict',
      exitCode: 1,
      advice: `stop it first: foster stop ${name}`,
    });
  writeFileAtomically(path, text, { durable: false });
  try {
    writeAll(changes, name);
  } catch (error) {
    writeFileAtomically(path, before, { durable: false });
    throw error;
  }
}

/** What to write to the container's cgroups. They may be in other places than those of a container that starts now. */
function changesOf({ steps, places }: CgroupPlan, own: readonly CgroupPlace[], name: string): Change[] {
  const changes = new Map<string, Change>();
  for (const step of steps) {
    if (step.kind !== 'cgroup' || step.action !== 'write' || step.file.startsWith('cgroup.')) continue;
    const planned = places.find(({ folder }) => folder === step.folder);
    if (planned === undefined) continue; // a parent
    const controller = (step.file.split('.')[0] ?? '').replace(
      'blkio',
      planned.version === 1 ? 'blkio' : 'io',
    );
    const place = own.find(
      ({ version, controllers }) => version === planned.version && controllers.includes(controller),
    );
    if (place === undefined) {
      throw new FosterError(
        `cannot change the limits of container ${name} while it runs: it was started without ${own.length === 0 ? 'a cgroup' : `a cgroup for ${controller}`}`,
        { kind: 'conflict', exitCode: 1, advice: `stop it first: foster stop ${name}` },
      );
    }
    const { file, text, why, advice } = step;
    const change = { folder: place.folder, file, text, why, ...(advice && { advice }) };
    changes.set(`${place.folder}/${file} ${text.split(' ')[0]}`, change);
  }
  return [...changes.values()];
}

/**
 * The kernel never lets memory be above memory and swap, so one has to be raised before, and lowered after, the other. Nor
 * does it let real-time CPU time be more than its period.
 */
function inOrder(changes: Change[]): Change[] {
  return realtimeInOrder(memoryInOrder(changes));
}

function memoryInOrder(changes: Change[]): Change[] {
  const both = changes.find(({ file }) => file === 'memory.memsw.limit_in_bytes');
  const alone = changes.find(({ file }) => file === 'memory.limit_in_bytes');
  if (both === undefined || alone === undefined) return changes;
  const isAbove = alone.text === '-1' || Number(alone.text) > numberNow(both);
  return beginningWith(isAbove ? [both, alone] : [alone, both], changes);
}

function realtimeInOrder(changes: Change[]): Change[] {
  const period = changes.find(({ file }) => file === 'cpu.rt_period_us');
  const runtime = changes.find(({ file }) => file === 'cpu.rt_runtime_us');
  if (period === undefined || runtime === undefined) return changes;
  const isShorter = Number(period.text) < numberNow(period);
  return beginningWith(isShorter ? [runtime, period] : [period, runtime], changes);
}

function numberNow({ folder, file }: Change): number {
  return Number(readOrNot(folder, file));
}

function beginningWith(first: Change[], all: Change[]): Change[] {
  return [...first, ...all.filter((change) => !first.includes(change))];
}

function writeAll(changes: readonly Change[], name: string): void {
  const old = changes.map(({ folder, file }) => ({
    path: join(folder, file),
    text: readOrNot(folder, file),
  }));
  for (const [index, { folder, file, text, why, advice }] of changes.entries()) {
    try {
      writeFileSync(join(folder, file), text);
    } catch (error) {
      if (!existsSync(folder)) continue; // between two runs
      for (const each of old.slice(0, index).reverse()) restore(each);
      const code = errnoOf(error);
      const words = code === undefined ? String(error) : errnoWords(errnoNumber(code));
      throw new FosterError(`cannot ${why} for container ${name}: ${words}`, {
        exitCode: 1,
        cause: error,
        ...advised(code === 'EBUSY' ? 'it uses more than that now' : advice?.[code ?? '']),
      });
    }
  }
}

function advised(advice: string | undefined): { advice?: string } {
  return advice === undefined ? {} : { advice };
}

function restore({ path, text }: { path: string; text: string }): void {
  try {
    writeFileSync(path, text.trim());
  } catch {
    // a list of devices, or the container has just ended
  }
}
