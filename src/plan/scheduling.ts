import type { IoPriority, Personality, Process, Scheduler } from '../spec/types.js';
import { constant, flags, type Step, step } from './step.js';

const CLASSES: Readonly<Record<IoPriority['class'], number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};

const POLICIES: Readonly<Record<Scheduler['policy'], number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

const SCHED_FLAGS: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 1,
  SCHED_FLAG_RECLAIM: 2,
  SCHED_FLAG_DL_OVERRUN: 4,
  SCHED_FLAG_KEEP_POLICY: 8,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};

const ADVICE = { EPERM: 'you are not permitted to set it on this machine: sched(7), ioprio_set(2)' };

/** ioprio_set(2) and sched_setattr(2). */
export function setScheduling({ ioPriority, scheduler }: Process): Step[] {
  return [
    ...(ioPriority === undefined ? [] : [setIoPriority(ioPriority)]),
    ...(scheduler === undefined ? [] : [setScheduler(scheduler)]),
  ];
}

function setIoPriority({ class: name, priority = 0 }: IoPriority): Step {
  const value = constant(`IOPRIO_PRIO_VALUE(${name}, ${priority})`, (CLASSES[name] << 13) | priority);
  const whose = constant('IOPRIO_WHO_PROCESS', 1);
  return step('set the I/O priority', 'ioprio_set', [whose, 0, value], { advice: ADVICE });
}

function setScheduler({ policy, nice = 0, priority = 0, flags: names = [], ...times }: Scheduler): Step {
  const { runtime = 0, deadline = 0, period = 0 } = times;
  const set = flags(SCHED_FLAGS, ...names);
  const attributes = Buffer.alloc(48); // struct sched_attr
  attributes.writeUInt32LE(attributes.length, 0);
  attributes.writeUInt32LE(POLICIES[policy], 4);
  attributes.writeUInt32LE(set.value, 8);
  attributes.writeInt32LE(nice, 16);
  attributes.writeUInt32LE(priority, 20);
  for (const [index, time] of [runtime, deadline, period].entries())
    attributes.writeBigUInt64LE(BigInt(time), 24 + index * 8);
  const text = `{policy=${policy}, flags=${set.text}, nice=${nice}, priority=${priority}, runtime=${runtime}, deadline=${deadline}, period=${period}}`;
  return step('set the scheduling policy', 'sched_setattr', [0, { bytes: attributes, text }, 0], {
    advice: ADVICE,
  });
}

/** personality(2). */
export function setPersonality(personality: Personality | undefined): Step[] {
  if (personality === undefined) return [];
  const { domain } = personality;
  const value = constant(domain === 'LINUX32' ? 'PER_LINUX32' : 'PER_LINUX', domain === 'LINUX32' ? 8 : 0);
  return [step('set the execution domain', 'personality', [value])];
}
