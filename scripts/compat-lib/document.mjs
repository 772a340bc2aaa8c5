/** Makes docs/compatibility.md from the table, from foster's commands, and from the refused options. */

const HEAD = `# Compatibility

What foster has of the commands and options of Docker (28.2) and Podman (4.3). This page is made by \`scripts/compat --docs\` from
foster's commands, from \`src/cli/not-yet.ts\`, which says what is refused and why, and from the table of command lines in
\`test/compat\`. \`scripts/compat\` runs each of them in foster and in Podman, and compares exit codes, output and effects.

foster has its own error messages. Exit codes are those of Docker and Podman: 125 if foster fails before the command runs, 126 if the
command cannot be executed, 127 if it was not found, and 1 if there is no such container or image.

Podman 4.3.1 has system tests of its own (\`test/system\`, 400 tests in 56 files). Run without privileges and without the
internet, Podman passes 255 of them and foster, in Podman's place, 97; 66 are skipped. What foster fails and Podman passes are 161:
43 are about pods, Kubernetes, systemd, secrets, signatures and remote machines; 33 expect Podman's sentence of an error, or 125
where Docker's exit code is 1; 23 use an option or a command that is refused below; and most others expect Podman's output or
behaviour where foster has Docker's (\`cp\`, \`ps\`, JSON). A test counts as failed at the first such difference.
`;

const code = (text) => `\`${text}\``;
const cell = (text) => text.replaceAll('|', '\\|');

/** @param survey the result of `survey()` @returns the text of the page */
export function document({ commands, rows }) {
  const named = [...commands].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const there = named.filter(([, { refusal }]) => refusal === undefined);
  const counts = ['same', 'docker', 'differs', 'refused'].map(
    (verdict) => rows.filter((row) => row.verdict === verdict && !row.isLater).length,
  );
  return [
    HEAD,
    `Of ${counts.reduce((a, b) => a + b)} command lines in the table, ${counts[0]} do the same as in Podman, ${counts[1]} do what they do in ` +
      `Docker and do not exist in Podman, ${counts[2]} do something else, and ${counts[3]} are refused.\n`,
    '## Commands and options\n',
    ...there.map(([name, command]) => commandSection(name, command)),
    '## Commands that are refused\n',
    refusedCommands(named),
    '## What differs\n',
    differences(rows),
  ].join('\n');
}

function commandSection(name, { paths, options, refusedPaths }) {
  const title = name === '' ? 'Global options' : `foster ${name}`;
  const others = [...paths].filter((path) => path !== name && !refusedPaths.some((one) => one.path === path));
  const all = [...options.values()];
  const has = all.filter(({ isThere }) => isThere);
  const lines = [`### ${title}\n`];
  if (others.length > 0) lines.push(`Also: ${others.map(code).join(', ')}.\n`);
  if (has.length > 0) lines.push(`${has.map(describe).join(', ')}.\n`);
  const refused = new Map();
  for (const { names, refusals = [], isThere } of all) {
    const [first] = refusals;
    if (first === undefined) continue;
    const missing = isThere ? refusals.map(({ option }) => option) : names;
    const reason = reasonOf(first);
    refused.set(reason, [...(refused.get(reason) ?? []), missing.map(code).join(' ')]);
  }
  for (const { path, refusal } of refusedPaths) {
    const reason = reasonOf(refusal);
    refused.set(reason, [...(refused.get(reason) ?? []), code(`foster ${path}`)]);
  }
  for (const [reason, names] of refused) lines.push(`- ${names.join(', ')}: ${reason}`);
  if (refused.size > 0) lines.push('');
  return lines.join('\n');
}

function describe({ names, tools }) {
  const only = tools.size === 2 ? '' : ` (${[...tools][0] === 'docker' ? 'Docker' : 'Podman'})`;
  return `${names.map(code).join(' ')}${only}`;
}

function reasonOf({ because, advice, isFinal }) {
  return `${isFinal ? 'not supported' : 'not yet'}; ${because}${advice === undefined ? '' : `; ${advice}`}`;
}

function refusedCommands(named) {
  const reasons = new Map();
  for (const [, { refusal }] of named) {
    if (refusal === undefined) continue;
    const reason = reasonOf(refusal);
    const list = reasons.get(reason) ?? new Set();
    list.add(refusal.command);
    reasons.set(reason, list);
  }
  const lines = [...reasons].map(
    ([reason, names]) => `| ${[...names].map(code).join(', ')} | ${cell(reason)} |`,
  );
  return `| command | reason |\n| --- | --- |\n${lines.join('\n')}\n`;
}

function differences(rows) {
  const byNote = new Map();
  for (const { verdict, isLater, script, note } of rows) {
    if (verdict !== 'differs' || isLater) continue;
    byNote.set(note, [...(byNote.get(note) ?? []), cell(code(script.replaceAll('`', "'")))]);
  }
  const lines = [...byNote].map(([note, scripts]) => `| ${cell(note)} | ${scripts.join('<br>')} |`);
  const intro = '`$I` is an image, `$R` a registry, `web` a running container, and `nosuch` does not exist.';
  return `${intro}\n\n| how foster differs from Podman | command lines |\n| --- | --- |\n${lines.join('\n')}\n`;
}
