export const GROUPS = ['processes', 'namespaces', 'rights', 'files', 'limits', 'network', 'images'] as const;
export type Group = (typeof GROUPS)[number];

/** A topic of `foster explain`: a file of its own in topics/. */
export interface Topic {
  name: string;
  /** Other words for it. */
  aliases?: string[];
  group: Group;
  /** Commands to see it by oneself, as they are typed in a shell. They change nothing, and end within a second. */
  trials: string[];
  /** The steps of the plan that are about it: those whose reason or call matches. */
  steps?: StepChoice;
  /** Manual pages, besides those of the steps' system calls. */
  manual: string[];
  /** Names of other topics. */
  related: string[];
  en: TopicText;
  zh: TopicText;
}

export interface StepChoice {
  matches: RegExp;
  /** The run whose plan is looked at; by default one of busybox without a network. */
  run?: SampleRun;
}

/** Options of a run whose plan is looked at. */
export interface SampleRun {
  network?: string;
  pid?: string;
  tty?: boolean;
  volumes?: string[];
}

export interface TopicText {
  /** What it is, in a few words. */
  summary: string;
  /** Paragraphs. */
  text: string[];
  /** What there is to be seen in each trial. */
  trials: string[];
}
