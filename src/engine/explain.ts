import type { BuildRequest } from '../build/options.js';
import type { Explanation } from '../explain/explanation.js';
import type { Language } from '../explain/language.js';
import type { Phrase, Say } from '../explain/say.js';
import type { Topic } from '../explain/topic.js';
import type { RunRequest } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { surroundings } from '../sys/surroundings.js';
import type { ExecRequest } from './foreground.js';
import { inPod } from './in-pod.js';

export type { Block, Explanation, ShownStep } from '../explain/explanation.js';
export type { Phrase } from '../explain/say.js';

/** What `foster explain` says, in English by default. Each function imports what it needs when it is called. */

async function sayIn(language: Language): Promise<Say> {
  return (await import('../explain/say.js')).sayIn(language);
}

/** How a container would be made. Nothing is started. @throws FosterError for what a run would refuse */
export async function explainRun(wanted: RunRequest, language: Language = 'en'): Promise<Explanation> {
  if (wanted.pod?.reference.startsWith('new:'))
    throw new FosterError('cannot explain a run with --pod new:NAME: the pod would have to be made for it', {
      kind: 'unsupported',
      advice: 'explain it without --pod',
    });
  const { planOfRun } = await import('../container/run.js');
  const { plannedFacts } = await import('../explain/facts.js');
  const { explainRunPlan } = await import('../explain/plan-explanation.js');
  return await inPod(wanted, async (request) => {
    const { draft, plan } = await planOfRun(request);
    const say = await sayIn(language);
    return explainRunPlan(plan, plannedFacts(draft, say), say);
  });
}

/**
 * How a container is made: it is run, and each step of its plan is shown beside what strace(1) sees of it.
 * @param words what follows `foster run`, of which `request` was made
 * @throws FosterError if strace is not installed, or the container cannot be started
 */
export async function explainTraced(
  request: RunRequest,
  words: readonly string[],
  language: Language = 'en',
): Promise<Explanation> {
  if (request.detach || request.pod !== undefined || (request.interactive && request.tty))
    throw new FosterError('--strace can only follow a run in the foreground', {
      kind: 'invalid',
      advice: 'leave out -d, -it and --pod',
    });
  const { planOfRun } = await import('../container/run.js');
  const { traceRun } = await import('../explain/traced-run.js');
  const { explainTracedRun } = await import('../explain/plan-explanation.js');
  const traces = await traceRun(words);
  return explainTracedRun((await planOfRun(request)).plan, traces, await sayIn(language));
}

/** How a process would come into a container. Nothing is started. @throws FosterError if it does not run */
export async function explainExec(
  reference: string,
  request: ExecRequest,
  language: Language = 'en',
): Promise<Explanation> {
  const { findContainer } = await import('../container/store.js');
  const { planOfExec } = await import('../container/exec.js');
  const { explainExecPlan } = await import('../explain/plan-explanation.js');
  const container = findContainer(reference);
  return explainExecPlan(planOfExec(container, request), container.record.name, await sayIn(language));
}

/**
 * What a build would do, and how the container of each RUN would be made. Nothing is built, run or downloaded.
 * @throws FosterError for what a build would refuse, as far as that can be known before
 */
export async function explainBuild(request: BuildRequest, language: Language = 'en'): Promise<Explanation> {
  const { foreseeBuild } = await import('../build/build.js');
  const explained = await import('../explain/build.js');
  const { warn } = surroundings();
  const steps = await foreseeBuild(request, { printLine: () => {}, warn });
  return explained.explainBuild(steps, await sayIn(language));
}

/** A container, whether it runs or not. @throws FosterError of the kind `not-found` */
export async function explainContainer(reference: string, language: Language = 'en'): Promise<Explanation> {
  const { findContainer } = await import('../container/store.js');
  const explained = await import('../explain/container.js');
  return explained.explainContainer(findContainer(reference), await sayIn(language));
}

/** What the containers of a pod share. @throws FosterError of the kind `not-found` */
export async function explainPod(reference: string, language: Language = 'en'): Promise<Explanation> {
  const { findPod } = await import('../pod/store.js');
  const explained = await import('../explain/pod.js');
  return explained.explainPod(findPod(reference), await sayIn(language));
}

/** What a file of Kubernetes describes. Nothing is made. @throws FosterError that says where something is wrong in it */
export async function explainKube(file: string, language: Language = 'en'): Promise<Explanation> {
  const { check } = await import('./kube/play.js');
  const explained = await import('../explain/kube.js');
  const { pods } = await check(file);
  return explained.explainKube(
    file,
    pods.map(({ plan }) => plan),
    await sayIn(language),
  );
}

/** Stands for the host where containers are compared. */
const HOST = 'host';

/** What differs between two containers that run, or between one and `host`. @throws FosterError */
export async function explainDifference(
  a: string,
  b: string,
  language: Language = 'en',
): Promise<Explanation> {
  const { findContainer } = await import('../container/store.js');
  const explained = await import('../explain/diff.js');
  const sideOf = (name: string) =>
    name === HOST ? explained.hostSide() : explained.sideOf(findContainer(name));
  return explained.explainDifference(sideOf(a), sideOf(b), await sayIn(language));
}

/** Whether a topic has that name. */
export async function isTopic(name: string): Promise<boolean> {
  return (await (await import('../explain/topics.js')).findTopic(name)) !== undefined;
}

/** The names of all topics. */
export async function topicNames(): Promise<readonly string[]> {
  return (await import('../explain/topics.js')).TOPIC_NAMES;
}

/** All topics, with their summaries. @param forms what else the command explains: how, and what */
export async function explainTopics(
  language: Language,
  forms: readonly { term: string; meaning: Phrase }[],
): Promise<Explanation> {
  const { allTopics } = await import('../explain/topics.js');
  const { listTopics } = await import('../explain/topic-explanation.js');
  const say = await sayIn(language);
  const rows = forms.map(({ term, meaning }) => ({ term, meaning: say(meaning) }));
  return listTopics(await allTopics(), language, { kind: 'terms', rows });
}

export interface NamedOptions {
  /** What the name is one of; by default a topic, else a container, else a pod. */
  type?: 'topic' | 'container' | 'pod' | undefined;
  language: Language;
  /** Whether only the data is of interest: then it is in English, but for a topic. */
  isData?: boolean;
  /** Whether the commands of a topic are run. */
  runs: boolean;
}

/**
 * The topic, the container or the pod of that name. If it is the name of several, says which one it has taken.
 * @throws FosterError of the kind `not-found`
 */
export async function explainNamed(
  name: string,
  { type, language: wanted, isData = false, runs }: NamedOptions,
): Promise<Explanation> {
  const language = isData ? 'en' : wanted;
  if (type === 'container') return await explainContainer(name, language);
  if (type === 'pod') return await explainPod(name, language);
  const { findTopic } = await import('../explain/topics.js');
  const topic = await findTopic(name);
  const { findId, idOfName, podOfName } = await import('../container/store.js');
  if (topic !== undefined) {
    const other =
      idOfName(name) !== undefined ? 'container' : podOfName(name) !== undefined ? 'pod' : undefined;
    if (type === undefined && other !== undefined)
      surroundings().warn(
        `${name} is a topic and a ${other}: this is the topic; --type ${other} explains the other`,
      );
    return await explainTopic(topic, wanted, runs);
  }
  if (type === undefined && podOfName(name) !== undefined) return await explainPod(name, language);
  if (type === undefined && findId(name) !== undefined) return await explainContainer(name, language);
  const what = type === 'topic' ? 'topic' : 'topic, container or pod';
  const { suggestion } = await import('../explain/suggestion.js');
  const { listContainers } = await import('../container/store.js');
  const others = type === 'topic' ? [] : listContainers().map(({ record }) => record.name);
  throw new FosterError(`no such ${what}: ${name}`, {
    kind: 'not-found',
    advice:
      (await suggestion(name, others)) ?? "'foster explain' lists the topics, 'foster ps -a' the containers",
    exitCode: 1,
  });
}

async function explainTopic(topic: Topic, language: Language, runs: boolean): Promise<Explanation> {
  const explained = await import('../explain/topic-explanation.js');
  const { runTrial } = await import('../explain/trial.js');
  const results = [];
  for (const command of topic.trials) {
    results.push(runs ? await runTrial(command) : {});
    await surroundings().stopIfInterrupted();
  }
  return explained.explainTopic(topic, language, results, await sampleSteps(topic));
}

/** The steps of the run that a topic looks at. */
async function sampleSteps({ steps }: Topic) {
  if (steps === undefined) return [];
  const { requestOf } = await import('./request.js');
  const { planOfRun } = await import('../container/run.js');
  const { tellPlan } = await import('../plan/narrate.js');
  const request = await requestOf({ root: 'busybox', command: ['true'], network: 'none', ...steps.run });
  return tellPlan((await planOfRun(request)).plan);
}
