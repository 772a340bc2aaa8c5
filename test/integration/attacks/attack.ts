import type { Scene } from './scene.js';

/** What an attack is after. */
export type Aim = 'escape' | 'host write' | 'host read' | 'leak' | 'exhaustion' | 'confusion';

/** Who attacks: see docs/security.md. */
export type Attacker = 'process' | 'image' | 'layer' | 'Dockerfile' | 'registry' | 'archive';

/**
 * One attack of the table. It is made on every engine in the same way, and has won when the host shows it: a file that was
 * changed, a secret that came out, a process that was ended, a setting that is another one (ground.ts), or what `commit`
 * itself has seen from outside. What the attacker says of itself counts for nothing.
 */
export interface Attack {
  name: string;
  aim: Aim;
  by: Attacker;
  /** Where it was seen first: a CVE, or what it is known as. */
  reference?: string;
  /** With what rights the container was started; part of the attack, and shown in the table. */
  flags?: string[];
  /** Returns true when it has won in a way that the ground does not show. */
  commit(scene: Scene): Promise<unknown>;
  /** Why it makes no sense for podman. */
  fosterOnly?: string;
  /** As root it is another attack, since root in the container may be somebody else then. */
  alsoAsRoot?: boolean;
  /** Flags that take the defence away: with them it must win, else it would show nothing. */
  weakenedBy?: string[];
  /** The same, where only root may give those flags. */
  weakenedByRoot?: string[];
  /** Loses on purpose: why nothing is done about it. */
  accepted?: string;
}

/** With a terminal's control characters, which can do more than show text. */
export function hasControlCharacters(output: string): boolean {
  const text = Buffer.from(output, 'latin1').toString('utf8');
  return /[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text);
}
