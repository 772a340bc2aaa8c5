#!/usr/bin/env node
/** Prints docs/attacks.md from the recorded results of the tests (test/integration/attacks/results.ts). */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const COLUMNS = ['foster', 'foster, as root', 'podman'];

/** The results of each row, by column. */
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

console.log(`# Attacks and their results

\`make test-attacks\` has made each of these attacks and written this table. *held*: the attack had no effect on the host. *lost*: it
had: a file of the host was changed, a secret was read, a process was killed, a socket was reached, a kernel setting was
changed, a command printed control sequences to the terminal, or it hung. Only the host's state counts, not what the attacker reports.
To show that the attacks can succeed at all, test/integration/attacks-weakened.test.ts repeats some of them
without the defence, where they must win.

[security.md](security.md) describes the attackers and the defences. Held: foster ${count('foster')}, foster as root
${count('foster, as root')}, podman ${podman} (rootless, with crun, RUN isolated by chroot, no cgroups, so that commit cannot pause) ${count('podman')}. An empty cell:
not tried there, because it makes no difference or the command does not exist.

| attack | by | aim | known as | rights given | foster | foster, as root | podman |
| --- | --- | --- | --- | --- | --- | --- | --- |`);
for (const [row, results] of sorted) {
  console.log(`${row.slice(0, -1)}| ${COLUMNS.map((column) => results[column] ?? '').join(' | ')} |`);
}
