import type { AttackRun } from './attack-run.js';

/** The goal of an attack. */
export type Aim = 'escape' | 'host write' | 'host read' | 'leak' | 'exhaustion' | 'confusion';

/** The attacker: see docs/security.md. */
export type Attacker = 'process' | 'image' | 'layer' | 'Dockerfile' | 'registry' | 'archive';

/**
 * One attack of the table. It is run against every engine in the same way, and has won if the host shows it: a changed
 * file, a leaked secret, a killed process, a changed setting (guarded-host.ts), or what `commit` itself has seen from
 * outside. What the attacker reports does not count.
 */
export interface Attack {
  name: string;
  aim: Aim;
  by: Attacker;
  /** A CVE, or another name by which it is known. */
  reference?: string;
  /** Flags of the container, which are part of the attack and shown in the table. */
  flags?: string[];
  /** Returns true if it has won in a way that the guarded host does not show. */
  commit(attempt: AttackRun): Promise<unknown>;
  /** Why it does not apply to podman. */
  fosterOnly?: string;
  /** Whether to run it as root, too, since root in the container may be another user then. */
  alsoAsRoot?: boolean;
  /** Flags that remove the defence: with them it must win, otherwise it would prove nothing. */
  weakenedBy?: string[];
  /** The same, if only root can use those flags. */
  weakenedByRoot?: string[];
  /** Why foster does not defend against it. */
  accepted?: string;
}

/** Whether it contains control characters of a terminal. */
export function hasControlCharacters(output: string): boolean {
  const text = Buffer.from(output, 'latin1').toString('utf8');
  return /[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text);
}
