import type { ToldStep } from '../plan/narrate.js';
import { type Block, type Explanation, heading, paragraph, type Term, terms } from './explanation.js';
import type { Language } from './language.js';
import { GROUPS, type Topic } from './topic.js';
import type { TrialResult } from './trial.js';
import { WORDS } from './words.js';

/** Calls that nearly every step has, and whose manual page says nothing about a topic. */
const COMMON = /^(openat2?|close|dup3|read|write|fstat|fstatfs|mkdirat|mknodat|symlinkat|ip|execve)$/;

/**
 * A topic with what its commands have printed, and the steps of the plan that are about it.
 * @param results of its trials; those without an exit code and output were not run
 * @param steps of a whole plan
 */
export function explainTopic(
  topic: Topic,
  language: Language,
  results: readonly Partial<TrialResult>[],
  steps: readonly ToldStep[],
): Explanation {
  const words = WORDS[language];
  const text = topic[language];
  const own = topic.steps === undefined ? [] : stepsAbout(topic.steps.matches, steps);
  const manual = [...new Set([...topic.manual, ...manualOf(own)])];
  return {
    title: `${topic.name}: ${text.summary}`,
    blocks: [
      ...text.text.map(paragraph),
      heading(words.see),
      ...topic.trials.flatMap((command, index): Block[] => [
        paragraph(text.trials[index] ?? ''),
        { kind: 'code', lines: trialLines(command, results[index], words.tooLong) },
      ]),
      ...(own.length === 0 ? [] : [heading(words.plan), terms(stepTerms(own))]),
      ...(manual.length === 0 ? [] : [heading(words.read), paragraph(manual.join(', '))]),
      ...(topic.related.length === 0 ? [] : [heading(words.related), paragraph(topic.related.join(', '))]),
    ],
    data: {
      kind: 'topic',
      name: topic.name,
      language,
      summary: text.summary,
      text: text.text,
      trials: topic.trials.map((command, index) => ({
        command,
        shows: text.trials[index],
        output: results[index]?.output,
        exitCode: results[index]?.exitCode,
      })),
      steps: own.map(({ number, why, calls }) => ({ number, why, calls })),
      manual,
      related: topic.related,
    },
  };
}

function trialLines(command: string, result: Partial<TrialResult> | undefined, tooLong: string): string[] {
  const lines = [`$ ${command}`, ...(result?.output ?? [])];
  const wasKilled = result?.output !== undefined && result.exitCode === undefined;
  return wasKilled ? [...lines, tooLong] : lines;
}

function stepsAbout(matches: RegExp, steps: readonly ToldStep[]): ToldStep[] {
  return steps.filter(({ why, calls }) => matches.test(why) || calls.some((call) => matches.test(call)));
}

/** The reasons with the numbers of their steps: something that is prepared early is finished later. */
function stepTerms(steps: readonly ToldStep[]): Term[] {
  const numbers = new Map<string, number[]>();
  for (const { why, number } of steps) numbers.set(why, [...(numbers.get(why) ?? []), number]);
  return [...numbers].map(([meaning, all]) => ({ term: all.join(', '), meaning }));
}

/** The manual pages of the system calls of steps. */
function manualOf(steps: readonly ToldStep[]): string[] {
  const names = steps.flatMap(({ calls }) => calls.flatMap((call) => /^(\w+)\(/.exec(call)?.[1] ?? []));
  return [...new Set(names)].filter((name) => !COMMON.test(name)).map((name) => `${name}(2)`);
}

/** All topics in groups, and what else can be explained. */
export function listTopics(topics: readonly Topic[], language: Language, forms: Block): Explanation {
  const words = WORDS[language];
  const listed = topics.map((topic) => ({
    name: topic.name,
    group: topic.group,
    aliases: topic.aliases ?? [],
    summary: topic[language].summary,
  }));
  return {
    title: words.topics,
    blocks: [
      ...GROUPS.flatMap((group): Block[] => [
        heading(words.groups[group]),
        terms(
          listed
            .filter((one) => one.group === group)
            .map(({ name, summary }) => ({ term: name, meaning: summary })),
        ),
      ]),
      heading(words.forms),
      forms,
    ],
    data: { kind: 'topics', topics: listed },
  };
}
