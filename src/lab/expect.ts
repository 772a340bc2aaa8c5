import type { Expectation, Look } from './lab.js';
import { WANTED } from './messages.js';
import { fill, type Text } from './text.js';

/** What a fact should be. */

export function exactly(value: string | number): Expectation {
  return { text: fill(WANTED.exactly, { value }), holds: (found) => found === value };
}

export function atLeast(value: number): Expectation {
  return {
    text: fill(WANTED.atLeast, { value }),
    holds: (found) => typeof found === 'number' && found >= value,
  };
}

export function contains(value: string): Expectation {
  return {
    text: fill(WANTED.contains, { value }),
    holds: (found) => typeof found === 'string' && found.includes(value),
  };
}

export const nothing: Expectation = { text: WANTED.nothing, holds: (found) => found === undefined };

/** The same fact about something else; `other` names that. */
export function sameAs(look: Look, other: string | Text): Expectation {
  return {
    text: fill(WANTED.sameAs, { other }),
    holds: (found, world) => found !== undefined && found === look(world).value,
  };
}

/** Not the same fact about something else; `other` names that. */
export function differentFrom(look: Look, other: string | Text): Expectation {
  return {
    text: fill(WANTED.differs, { other }),
    holds: (found, world) => found !== undefined && found !== look(world).value,
  };
}
