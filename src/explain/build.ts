import type { ForeseenRun, ForeseenStep } from '../build/foresee.js';
import { phaseTitle, tellPlan } from '../plan/narrate.js';
import { type Block, type Explanation, heading, paragraph, terms } from './explanation.js';
import { type ContainerFacts, plannedFacts } from './facts.js';
import { stepBlocks, stepsAreEnglish } from './plan-explanation.js';
import type { Phrase, Say } from './say.js';
import { factSections } from './sections.js';

/** What `foster build` would do for each instruction, and how the container of each RUN would be made. */
export function explainBuild(steps: readonly ForeseenStep[], say: Say): Explanation {
  const last = steps.at(-1)?.stage;
  const own = steps.filter(({ stage }) => stage === last);
  const made = steps.filter(({ does }) => does === 'layer').length;
  const cached = steps.filter(({ does }) => does === 'cached').length;
  const runs = steps.flatMap((step) => (step.run === undefined ? [] : [{ ...step, run: step.run }]));
  const isStaged = own.length < steps.length;
  const [first, ...others] = runs;
  return {
    title: say(
      made === 1
        ? 'This build would make a layer, and take {2} from the cache'
        : 'This build would make {1} layers, and take {2} from the cache',
      ...[made, cached],
    ),
    blocks: [
      paragraph(say('Nothing was built, run or downloaded.')),
      {
        kind: 'table',
        head: [say('line'), ...(isStaged ? [say('stage')] : []), say('instruction'), say('what it would do')],
        rows: steps.map((step) => [
          String(step.line),
          ...(isStaged ? [step.stage] : []),
          step.text,
          doneBy(step, say),
        ]),
      },
      ...(first === undefined ? [] : firstRun(first, say)),
      ...others.flatMap((run) => laterRun(run, first ?? run, say)),
    ],
    data: {
      kind: 'build',
      steps: steps.map(({ run, ...step }) => ({ ...step, ...(run && { run: runData(run, say) }) })),
    },
  };
}

type RunStep = ForeseenStep & { run: ForeseenRun };

const DOES: Readonly<Record<ForeseenStep['does'], Phrase>> = {
  image: 'takes an image that is in the store, of {1}',
  pull: 'gets the image, which is not in the store: what is in it is not known yet',
  stage: 'goes on from an earlier stage, with its layers',
  empty: 'begins without a layer',
  cached: 'nothing: an earlier build has made the layer, of {1}',
  unchanged: 'nothing: an earlier build has found that no file changes',
  layer: 'makes a layer of the files that change',
  config: "sets something in the image's config: no layer",
};

function doneBy({ does, layers }: ForeseenStep, say: Say): string {
  const size = layers.reduce((sum, layer) => sum + (layer.size ?? 0), 0);
  const isKnown = layers.every((layer) => layer.size !== undefined);
  return say(DOES[does], isKnown ? say('{1} kB', Math.ceil(size / 1000)) : say('unknown size'));
}

/** The container of the first RUN that would be run: what it gets, and each step that makes it so. */
function firstRun({ line, text, run }: RunStep, say: Say): Block[] {
  return [
    heading(say('Line {1}: {2}', line, text)),
    ...stepsAreEnglish(say),
    paragraph(
      say(
        'The command runs in a container of its own, on top of the layers so far. What it writes becomes the layer; its mounts do not. Then the container is removed.',
      ),
    ),
    terms([{ term: say('command'), meaning: run.plan.program.argv.join(' ') }]),
    ...unknownUser(run, say),
    ...factSections(factsOf(run, say), say),
    ...stepBlocks(tellPlan(run.plan), (phase) => say(phaseTitle(run.plan, phase))),
  ];
}

/** The container of another RUN: the steps in which it differs from the first one. */
function laterRun({ line, text, run }: RunStep, first: RunStep, say: Say): Block[] {
  const keyOf = ({ phase, why, calls }: ReturnType<typeof tellPlan>[number]) =>
    JSON.stringify([phase, why, calls]);
  const known = new Set(tellPlan(first.run.plan).map(keyOf));
  const own = tellPlan(run.plan).filter((step) => !known.has(keyOf(step)));
  return [
    heading(say('Line {1}: {2}', line, text)),
    ...unknownUser(run, say),
    paragraph(
      own.length === 0
        ? say('As in line {1}, step by step.', first.line)
        : say('As in line {1}, but for these steps:', first.line),
    ),
    ...stepBlocks(own, (phase) => say(phaseTitle(run.plan, phase))),
  ];
}

function unknownUser({ unknownUser: user }: ForeseenRun, say: Say): Block[] {
  if (user === undefined) return [];
  return [
    paragraph(say('It runs as {1}, whose id an earlier step decides: here it is shown as root.', user)),
  ];
}

function factsOf({ spec, layers, upper, driver }: ForeseenRun, say: Say): ContainerFacts {
  const image = { name: say('the image so far'), digest: '', layers };
  const root = { driver, layers, upper, readonly: false };
  const known = driver === 'copy' ? { driver: 'copy' as const } : {};
  return { ...plannedFacts({ id: '', spec, image, ...known }, say), root };
}

function runData(run: ForeseenRun, say: Say) {
  const { plan, unknownUser: user } = run;
  return {
    command: plan.program.argv,
    ...factsOf(run, say),
    ...(user !== undefined && { unknownUser: user }),
    steps: tellPlan(plan),
  };
}
