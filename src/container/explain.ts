import type { LaunchObserver } from '../launch/launch.js';
import { phaseTitle, Reasons } from '../plan/narrate.js';
import { describePlan, renderExec, renderHostSteps, renderStep } from '../plan/render.js';
import type { Plan } from '../plan/step.js';

/** The plan in the format of `--dry-run`. */
export function planText(plan: Plan): string {
  return `${JSON.stringify(describePlan(plan), null, 2)}\n`;
}

/**
 * Prints each step when it is done: first the reason, then the system call with its result in the format of strace(1).
 * @param say prints a line
 */
export function explainer(plan: Plan, say: (line: string) => void): LaunchObserver {
  const steps = [...plan.init, ...plan.process];
  const reasons = new Reasons();
  const tell = (why: string, call: string) => {
    const number = reasons.next(why);
    if (number !== undefined) say(`${String(number).padStart(3)}  ${why}`);
    say(`       ${call}`);
  };
  let isInProcess = false;
  return {
    started(pid) {
      say(phaseTitle(plan, 'foster'));
      for (const { call, why } of renderHostSteps(plan, String(pid))) tell(why, call);
      say(phaseTitle(plan, 'init'));
    },
    step(index, result) {
      const step = steps[index];
      if (step === undefined) return;
      if (index >= plan.init.length && !isInProcess) {
        isInProcess = true;
        say(phaseTitle(plan, 'process'));
      }
      tell(step.why, `${renderStep(step)} = ${result}`);
    },
    ready() {
      tell('run the program', renderExec(plan));
    },
  };
}
