import { Absent, World } from './kernel/world.js';
import type { Check, Finding } from './lab.js';
import { ABSENT } from './messages.js';
import { same } from './text.js';

/** Looks at everything that a step wants, at the same moment. @param folder the lab's own */
export function examine(checks: readonly Check[], folder: string): Finding[] {
  const world = new World(folder);
  try {
    return checks.map((check) => find(check, world));
  } finally {
    world.close();
  }
}

/** The names of the containers that checks look at. */
export function containersOf(checks: readonly Check[], folder: string): string[] {
  const world = new World(folder);
  try {
    for (const check of checks) find(check, world);
    return [...world.asked];
  } finally {
    world.close();
  }
}

function find({ what, look, want }: Check, world: World): Finding {
  try {
    const { value, from } = look(world);
    const found = value === undefined ? ABSENT.nothing : same(value);
    return { isMet: want.holds(value, world), what, found, want: want.text, from };
  } catch (error) {
    if (!(error instanceof Absent)) throw error;
    return { isMet: false, what, found: error.text, want: want.text, from: undefined };
  }
}
