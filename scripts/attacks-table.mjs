#!/usr/bin/env node
/** Prints docs/attacks.md from what the tests have recorded (test/integration/attacks/results.ts). */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const COLUMNS = ['foster', 'foster, as root', 'podman'];

/** Rows to what came of them in each column. */
const rows = new Map();
for (const column of COLUMNS) {
  const file = join(process.argv[2], `${column}.jsonl`);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  for (const { row, isLost, accepted } of lines.map((line) => JSON.parse(line))) {
    const result = isLost ? (accepted === undefined ? '**lost**' : `lost: ${accepted}`) : 'held';
    const seen = rows.get(row) ?? {};
    rows.set(row, { ...seen, [column]: column === 'podman' && isLost ? 'lost' : result });
  }
}

const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
const count = (column) => {
  const results = sorted.flatMap(([, results]) => results[column] ?? []);
  return `${results.filter((result) => result === 'held').length} of ${results.length}`;
};
const podman = execFileSync('podman', ['--version'], { encoding: 'utf8' })
  .trim()
  .replace(/^podman version /, '');

console.log(`# Attacks, and what came of them

\`make test-attacks\` has made each of these and written this table. *held*: the host showed nothing of the attack. *lost*: it
did: a file of the host was changed, a secret was read, a process was ended, a socket reached, a setting of the kernel is
another one, a command printed what drives a terminal, or it hung. What the attacker says of itself counts for nothing.
Whether an attack could succeed at all is shown by test/integration/attacks-weakened.test.ts: some of them are made again with
the defence taken away, and must win.

[security.md](security.md) says who attacks whom, and what the defences are. Held: foster ${count('foster')}, foster as root
${count('foster, as root')}, podman ${podman} (rootless, with crun, RUN isolated by chroot, no cgroups, so that commit cannot pause) ${count('podman')}. An empty cell:
not made there, since it makes no difference, or there is no such command.

| attack | by | aim | known as | rights given | foster | foster, as root | podman |
| --- | --- | --- | --- | --- | --- | --- | --- |`);
for (const [row, results] of sorted) {
  console.log(`${row.slice(0, -1)}| ${COLUMNS.map((column) => results[column] ?? '').join(' | ')} |`);
}
