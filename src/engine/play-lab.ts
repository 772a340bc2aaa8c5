import type { Language } from '../explain/language.js';
import { WORDS } from '../lab/messages.js';
import { FosterError } from '../sys/errors.js';
import { surroundings } from '../sys/surroundings.js';
import { areMet, begin, type LabState, presentStep, reset, solve } from './labs.js';
import { type Block, LabView } from './views/lab.js';

/**
 * Plays all steps of a lab, as a learner would who solves each, and removes everything afterwards. Each check must fail while
 * nothing was done, those of a step together also just before it, and all must be met after it.
 * @param say receives what is to be printed
 * @throws FosterError if that is not so, or if the lab was begun by somebody
 */
export async function play(name: string, language: Language, say: (blocks: Block[]) => void): Promise<void> {
  const state = await begin(name, language);
  if (!state.isNew)
    throw new FosterError(`cannot play lab ${name}: you have begun it`, {
      kind: 'conflict',
      advice: `go on with it: foster lab start ${name}; or forget it: foster lab reset ${name}`,
      exitCode: 1,
    });
  const { whenIdle } = await import('../lab/shell.js');
  const forget = surroundings().onInterrupt(async () => {
    await whenIdle();
    await reset(name);
  });
  try {
    const view = new LabView(language);
    say(view.story(state.lab));
    await requireUnmet(state, view);
    while (state.progress.step < state.lab.steps.length) await playStep(state, view, say);
  } finally {
    forget();
    await reset(name);
  }
}

/** A check that is met when nothing was done could never fail. */
async function requireUnmet({ lab, folder }: LabState, view: LabView): Promise<void> {
  const { examine } = await import('../lab/check.js');
  for (const [index, { checks }] of lab.steps.entries()) {
    const met = examine(checks, folder).find(({ isMet }) => isMet);
    if (met !== undefined) fail(view.text(WORDS.hollow, { number: index + 1, what: met.what }));
  }
}

async function playStep(state: LabState, view: LabView, say: (blocks: Block[]) => void): Promise<void> {
  const { examine } = await import('../lab/check.js');
  const { lab, folder, progress } = state;
  const index = progress.step;
  const number = { number: index + 1 };
  say(view.question(lab, index));
  if (areMet(examine(presentStep(state).checks, folder))) fail(view.text(WORDS.trivial, number));
  const solution = await solve(state);
  say(view.solution(solution));
  if (!areMet(solution.findings)) fail(view.text(WORDS.failed, number));
  say(view.explanation(solution.step, undefined));
}

function fail(sentence: string): never {
  throw new FosterError(sentence, { exitCode: 1 });
}
