import { type PlannedStep, plannedSteps } from './render.js';
import type { Plan } from './step.js';

/** Who does the steps of a part of a plan. */
export type Phase = PlannedStep['phase'];

/** One thing that a plan does, for people: calls that follow each other for the same reason. */
export interface ToldStep {
  phase: Phase;
  /** Counts from 1, through all phases. */
  number: number;
  why: string;
  /** As strace(1) would print them, without results. */
  calls: string[];
}

/** Numbers the reasons of calls: those that follow each other for the same reason have one number. */
export class Reasons {
  #last = '';
  #number = 0;

  /** The number of a call's reason; undefined if it is the reason of the call before. */
  next(why: string): number | undefined {
    if (why === this.#last) return undefined;
    this.#last = why;
    return ++this.#number;
  }
}

/** The steps of a plan as `--explain` numbers them. */
export function tellPlan(plan: Plan): ToldStep[] {
  const reasons = new Reasons();
  const told: ToldStep[] = [];
  for (const { phase, why, call } of plannedSteps(plan)) {
    const number = reasons.next(why);
    if (number !== undefined) told.push({ phase, number, why, calls: [call] });
    else told.at(-1)?.calls.push(call);
  }
  return told;
}

/** The heading above the steps of a phase. */
export function phaseTitle(plan: Plan, phase: Phase) {
  if (phase === 'process')
    return plan.shim ? "the user's process, a child of PID 1:" : "the user's process, which is PID 1 itself:";
  return phase === 'foster' ? 'foster, before there is a container:' : 'PID 1, in its new namespaces:';
}

/** As `phaseTitle`, for the plan of `foster exec`. */
export function execPhaseTitle(phase: Phase) {
  if (phase === 'process') return 'the process, before it executes its program:';
  return phase === 'foster'
    ? 'foster, outside of the container:'
    : 'foster-init, which enters the container:';
}
