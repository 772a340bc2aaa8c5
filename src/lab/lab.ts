import type { World } from './kernel/world.js';
import type { Need } from './needs.js';
import type { Text } from './text.js';

/** A lab: data, and small functions that look at the kernel. A file in src/lab/labs each. */
export interface Lab {
  name: string;
  title: Text;
  /** What this is about: a few sentences. */
  story: Text;
  /** What the machine must have. */
  needs?: readonly Need[];
  /** Files that are in the lab's folder from the start, by name. The commands of a lab with files run there. */
  files?: Readonly<Record<string, string>>;
  /** Names of images that its commands make. Containers, pods, volumes and networks are found in the commands. */
  images?: readonly string[];
  /** What `foster explain` has more about. */
  topics: readonly string[];
  steps: readonly Step[];
}

/** Predict, run, see, check. */
export interface Step {
  title: Text;
  /** What will happen? */
  ask: Text;
  choices: readonly Text[];
  /** The index of the choice that turns out to be right. */
  answer: number;
  /** Commands of a shell that the learner types, or that `foster lab solve` runs. All names in them begin with `lab-`. */
  run: readonly string[];
  /** Commands that show what has happened, and change nothing. */
  see?: readonly string[];
  /** What must be so afterwards. */
  checks: readonly Check[];
  /** Why it is so. */
  why: Text;
  /** Help for those whose check fails. */
  hint: Text;
}

/** One fact that the kernel knows, and what it should be. */
export interface Check {
  /** Names the fact: `zombies whose parent is PID 1`. */
  what: Text;
  look: Look;
  want: Expectation;
}

/** Looks at the kernel's state. @throws Absent if what it looks at is not there */
export type Look = (world: World) => Seen;

export interface Seen {
  /** Undefined if there is no such thing. */
  value: string | number | undefined;
  /** Where the kernel says so: a file of /proc, or a system call. */
  from: string;
}

export interface Expectation {
  text: Text;
  holds(value: Seen['value'], world: World): boolean;
}

/** The result of a check. */
export interface Finding {
  isMet: boolean;
  what: Text;
  /** The value, or what is not there. */
  found: Text;
  want: Text;
  from: string | undefined;
}
