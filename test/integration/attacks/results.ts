import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from './attack.js';
import type { Engine } from './engine.js';
import { commit } from './scene.js';

/** Where results are kept for docs/attacks.md (scripts/attacks), a line of JSON each. */
const folder = process.env.FOSTER_ATTACKS_RESULTS;

export const isRecorded = folder !== undefined;

type Column = 'foster' | 'foster, as root' | 'podman';

function record(attack: Attack, column: Column, losses: string[]): void {
  if (folder === undefined) return;
  const line = { row: row(attack), column, isLost: losses.length > 0, accepted: attack.accepted };
  appendFileSync(join(folder, `${column}.jsonl`), `${JSON.stringify(line)}\n`);
}

/** The attack itself in the table: all but its results. */
export function row({ name, by, aim, reference = '', flags = [] }: Attack): string {
  const shown = flags.length === 0 ? '' : `\`${flags.join(' ')}\``;
  return `| ${[name, by, aim, reference, shown].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** An attack that must fail. */
export async function defend(attack: Attack, engine: Engine, column: Column): Promise<void> {
  const { losses } = await commit(attack, engine);
  record(attack, column, losses);
  if (attack.accepted === undefined) assert.deepEqual(losses, []);
}

/** One that may succeed: the engine is not ours. */
export async function suffer(attack: Attack, engine: Engine): Promise<void> {
  const { losses } = await commit(attack, engine);
  record(attack, 'podman', losses);
}
