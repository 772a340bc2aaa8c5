import type { LaunchObserver } from '../launch/launch.js';
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
  let last = '';
  let number = 0;
  const tell = (why: string, call: string) => {
    if (why !== last) say(`${String(++number).padStart(3)}  ${why}`);
    last = why;
    say(`       ${call}`);
  };
  let isInProcess = false;
  return {
    started(pid) {
      say('foster, before there is a container:');
      for (const { call, why } of renderHostSteps(plan, String(pid))) tell(why, call);
      say('PID 1, in its new namespaces:');
    },
    step(index, result) {
      const step = steps[index];
      if (step === undefined) return;
      if (index >= plan.init.length && !isInProcess) {
        isInProcess = true;
        say(
          plan.shim ? "the user's process, a child of PID 1:" : "the user's process, which is PID 1 itself:",
        );
      }
      tell(step.why, `${renderStep(step)} = ${result}`);
    },
    ready() {
      tell('run the program', renderExec(plan));
    },
  };
}
