import { defineCheck, type Failure, type Finding } from '../check.js';
import { failureOf, mendOf } from '../failure.js';

interface InitFacts {
  failure?: Failure;
}

/** foster's PID 1: whether it was built for this machine, and may be executed from memory. */
export const FOSTER_INIT = defineCheck<InitFacts>({
  name: 'foster-init',
  group: 'trials',
  async probe() {
    const { initProgram } = await import('../../init/init-program.js');
    try {
      initProgram();
      return {};
    } catch (error) {
      return { failure: failureOf(error) };
    }
  },
  judge: judgeInit,
});

function judgeInit({ failure }: InitFacts): Finding {
  if (failure === undefined) return { level: 'ok', found: "foster's PID 1 can be started" };
  return {
    level: 'fail',
    found: failure.message,
    means: 'No container can run.',
    ...(failure.advice !== undefined && { mend: [mendOf(failure.advice)] }),
  };
}
