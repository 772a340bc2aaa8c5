import type { ToldStep } from '../plan/narrate.js';
import type { Say } from './say.js';

/**
 * What `foster explain` says, in pieces that are drawn as text or Markdown, and the same as data for `--format json`.
 * Everything that came from a container or an image is as it came: whoever prints it escapes it.
 */
export interface Explanation {
  title: string;
  blocks: Block[];
  data: unknown;
}

export type Block =
  | { kind: 'heading'; text: string }
  /** A paragraph. */
  | { kind: 'text'; text: string }
  | { kind: 'list'; items: string[] }
  /** Words and what they mean, in two columns. */
  | { kind: 'terms'; rows: Term[] }
  | { kind: 'table'; head: string[]; rows: string[][] }
  /** As it is typed or printed. */
  | { kind: 'code'; lines: string[] }
  /** Steps of a plan, under the heading of their phase. */
  | { kind: 'steps'; title: string; steps: ShownStep[] };

export interface Term {
  term: string;
  meaning: string;
}

/** A step, and what strace(1) has seen of it, if that was asked for. */
export interface ShownStep extends Omit<ToldStep, 'phase'> {
  seen?: string[];
}

export const heading = (text: string): Block => ({ kind: 'heading', text });
export const paragraph = (text: string): Block => ({ kind: 'text', text });
export const terms = (rows: Term[]): Block => ({ kind: 'terms', rows });

/** `user`; `user and group`; `user, group and mount`. */
export function listed(words: readonly string[], say: Say): string {
  if (words.length < 2) return words.join('');
  return say('{1} and {2}', words.slice(0, -1).join(', '), words.at(-1) ?? '');
}
