import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from './attack.js';
import { runAttack } from './attack-run.js';
import type { Engine } from './engine.js';

/** Where results are stored for docs/attacks.md (scripts/attacks), as lines of JSON. */
const folder = process.env.FOSTER_ATTACKS_RESULTS;

export const isRecorded = folder !== undefined;

type Column = 'foster' | 'foster, as root' | 'podman';

function record(attack: Attack, column: Column, losses: string[]): void {
  if (folder === undefined) return;
  const line = { row: row(attack), column, isLost: losses.length > 0, accepted: attack.accepted };
  appendFileSync(join(folder, `${column}.jsonl`), `${JSON.stringify(line)}\n`);
}

/** The attack's row in the table, without results. */
export function row({ name, by, aim, reference = '', flags = [] }: Attack): string {
  const shown = flags.length === 0 ? '' : `\`${flags.join(' ')}\``;
  return `| ${[name, by, aim, reference, shown].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** An attack that must fail. */
export async function mustHold(attack: Attack, engine: Engine, column: Column): Promise<void> {
  const { losses } = await runAttack(attack, engine);
  record(attack, column, losses);
  if (attack.accepted === undefined) assert.deepEqual(losses, []);
}

/** An attack on another engine, which may succeed. */
export async function mayLose(attack: Attack, engine: Engine): Promise<void> {
  const { losses } = await runAttack(attack, engine);
  record(attack, 'podman', losses);
}
