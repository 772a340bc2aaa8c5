import type { EventProcess, ProcessRow, SceneEvent } from '../view/scene.js';
import { plain } from './dom.js';
import type { Labels } from './labels.js';

/** The state of a process in a word. */
export function stateWord({ state }: ProcessRow, labels: Labels): string {
  return labels.states[state] ?? state;
}

/** What an event says, as a sentence. */
export function eventSentence({ type, process, parent, from = '' }: SceneEvent, labels: Labels): string {
  const say = labels.sentence[type];
  if (say === undefined) return type;
  return say(nameOf(process, labels), nameOf(parent, labels), plain(from));
}

function nameOf(process: EventProcess | undefined, labels: Labels): string {
  if (process === undefined) return labels.somebody;
  return `${plain(process.name)} (${process.pid ?? process.hostPid})`;
}

/** What a screen reader says of a row of the tree. */
export function rowName(process: ProcessRow, labels: Labels): string {
  const parts = [
    plain(process.command),
    stateWord(process, labels),
    ...(process.pid === undefined ? [] : [`${labels.pidInside} ${process.pid}`]),
    `${labels.pidOutside} ${process.hostPid}`,
    ...(process.isAdopted ? [labels.adopted] : []),
    ...(process.isExec ? [labels.exec] : []),
  ];
  return parts.join(', ');
}
