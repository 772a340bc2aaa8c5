import { execPhaseTitle, type Phase, phaseTitle, tellPlan } from '../plan/narrate.js';
import { type PlannedStep, plannedSteps } from '../plan/render.js';
import type { Plan } from '../plan/step.js';
import {
  type Block,
  type Explanation,
  heading,
  paragraph,
  type ShownStep,
  type Term,
  terms,
} from './explanation.js';
import type { ContainerFacts } from './facts.js';
import type { Say } from './say.js';
import { factSections } from './sections.js';
import { type Comparison, compareCalls, OWN_OF_INIT, OWN_OF_LAUNCHER, parseStrace } from './strace.js';
import type { Traces } from './traced-run.js';

const PHASES: readonly Phase[] = ['foster', 'init', 'process'];

/** How a container would be made: what it gets, and each step of its plan. */
export function explainRunPlan(plan: Plan, facts: ContainerFacts, say: Say): Explanation {
  const blocks = stepBlocks(tellPlan(plan), (phase) => say(phaseTitle(plan, phase)));
  const program = plan.program.argv.join(' ');
  return {
    title: plan.isIdle
      ? say('This container would run no program:')
      : say('This container would run: {1}', program),
    blocks: [
      ...stepsAreEnglish(say),
      paragraph(say('Nothing was started. This is what it gets, and below, each step that makes it so.')),
      ...factSections(facts, say),
      ...blocks,
    ],
    data: { kind: 'run', ...facts, steps: tellPlan(plan) },
  };
}

/** How a container was made: each step of its plan, beside what strace has seen of it. */
export function explainTracedRun(plan: Plan, { launcher, init }: Traces, say: Say): Explanation {
  const flat = plannedSteps(plan);
  const isHost = ({ phase }: PlannedStep) => phase === 'foster';
  const outside = compareCalls(
    flat.filter(isHost),
    parseStrace(launcher).filter(({ line }) => !SAYS.test(line)),
    OWN_OF_LAUNCHER,
  );
  const inside = compareCalls(
    flat.filter((one) => !isHost(one)),
    parseStrace(init),
    OWN_OF_INIT,
  );
  const seen = [...outside.seen, ...inside.seen];
  let at = 0;
  const steps = tellPlan(plan).map((step) => {
    const lines = seen.slice(at, at + step.calls.length).flat();
    at += step.calls.length;
    return { ...step, seen: lines };
  });
  const others = [...outside.others, ...inside.others];
  const unseen = flat.filter((_, index) => (seen[index] ?? []).length === 0);
  return {
    title: say('This container was run: {1}', plan.program.argv.join(' ')),
    blocks: [
      ...stepsAreEnglish(say),
      paragraph(say('Each step of its plan, and below it what strace has seen.')),
      ...stepBlocks(steps, (phase) => say(phaseTitle(plan, phase))),
      ...(unseen.length === 0
        ? []
        : [
            paragraph(
              say(
                '{1} calls of the plan were not seen: children of foster make them, which strace does not follow.',
                unseen.length,
              ),
            ),
          ]),
      heading(say('Besides the plan')),
      terms(reasonsOf(others)),
    ],
    data: { kind: 'run', steps, unseen: unseen.map(({ call }) => call), others },
  };
}

/** Prints a step of --explain. */
const SAYS = /^write\(2, /;

/** The names of calls, and why they are made. */
function reasonsOf(others: Comparison['others']): Term[] {
  const names = new Map<string, Set<string>>();
  for (const { line, because = 'unknown' } of others)
    names.set(because, (names.get(because) ?? new Set()).add(line.replace(/\(.*/s, '')));
  return [...names].map(([meaning, own]) => ({ term: [...own].join(', '), meaning }));
}

/** How a process would come into a container. @param name of the container */
export function explainExecPlan(plan: Plan, name: string, say: Say): Explanation {
  const [first, ...rest] = tellPlan(plan);
  // its clone makes no namespaces
  const steps =
    first === undefined ? [] : [{ ...first, why: 'start foster-init, from a sealed memory file' }, ...rest];
  return {
    title: say('This process would run in container {1}: {2}', name, plan.program.argv.join(' ')),
    blocks: [
      ...stepsAreEnglish(say),
      paragraph(say('Nothing was started.')),
      ...stepBlocks(steps, (phase) => say(execPhaseTitle(phase))),
    ],
    data: { kind: 'exec', container: name, steps },
  };
}

/** Steps under the headings of their phases. */
export function stepBlocks(
  steps: readonly (ShownStep & { phase: Phase })[],
  title: (phase: Phase) => string,
): Block[] {
  return PHASES.flatMap((phase) => {
    const own = steps.filter((step) => step.phase === phase);
    return own.length === 0 ? [] : [{ kind: 'steps', title: title(phase), steps: own } as const];
  });
}

/** In other languages: why the steps are not in them. */
export function stepsAreEnglish(say: Say): Block[] {
  const said = say(ENGLISH_STEPS);
  return said === ENGLISH_STEPS ? [] : [paragraph(said)];
}

const ENGLISH_STEPS = 'The reasons of the steps are in English: they are those that the plan itself carries.';
