/** What `foster doctor` looks at, and what it says about it. */

/** `warn`: something does not work, or not well; `fail`: containers cannot run. */
export type Level = 'ok' | 'warn' | 'fail';

/** What somebody has to do. */
export interface Mend {
  who: 'root' | 'you';
  /** To be typed into a shell; may have several lines. */
  command?: string;
  /** In words, where no command does it. */
  advice?: string;
}

/** A change that needs no root, and that `--fix` makes. */
export interface Fix {
  kind: 'make folder' | 'change mode';
  /** Absolute. */
  path: string;
  /** Of the folder afterwards. */
  mode: number;
}

/** What a check has found: plain data. */
export interface Finding {
  level: Level;
  /** What there is: a line. */
  found: string;
  /** What that means for the user: sentences. */
  means?: string;
  mend?: Mend[];
  fixes?: Fix[];
}

/** What probes know of their caller, who waits in another process. */
export interface ProbeHost {
  /** The version of Node, `v20.20.0`. */
  node: string;
}

/**
 * `reads`: asynchronous and in parallel with others, so that one that waits for a dead file system keeps none of the
 * others waiting. `trials`: one after the other, in a process of their own.
 */
export type ProbeGroup = 'reads' | 'trials';

/** A check whose facts are of type F: plain data, because they come from another process. */
export interface Check<F> {
  /** On the command line: `id-ranges`. */
  name: string;
  group: ProbeGroup;
  /** Looks, or tries. Only this may touch the machine. */
  probe(): F | Promise<F>;
  /** Pure. Undefined if the check does not apply to such a machine. */
  judge(facts: F): Finding | undefined;
}

/** A check of which only its own functions know what its facts are. */
export type AnyCheck = Check<unknown>;

/** Makes checks of different facts members of one list. */
export function defineCheck<F>(check: Check<F>): AnyCheck {
  return { ...check, judge: (facts) => check.judge(facts as F) };
}

/** Errors as facts: what failed, and what to do about it. */
export interface Failure {
  message: string;
  advice?: string;
  /** The name of its errno. */
  errno?: string;
}
