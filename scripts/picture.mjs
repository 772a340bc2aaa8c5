#!/usr/bin/env node
/**
 * Draws a terminal that runs commands: scripts/picture.mjs COMMANDS.md PICTURE.svg. The commands are those of the first console
 * block in COMMANDS.md. Each is run by a shell, in a home of its own, and its output appears in the picture as it did then. The
 * picture moves, without a script; for somebody who wants no motion, and where nothing can move, it shows all lines at once.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const [source, target] = process.argv.slice(2);
if (source === undefined || target === undefined)
  throw new Error('usage: picture.mjs COMMANDS.md PICTURE.svg');

/** Pixels. */
const LINE = 18;
const COLUMN = 8.43;
const MARGIN = 16;
const BAR = 28;
/** Characters of a command that are typed in a second, and the seconds to read: before a command, and at the end. */
const TYPED = 45;
const PAUSE = 1.2;
const REST = 6;

const [, block = ''] = /^```console\n([\s\S]*?)^```$/m.exec(readFileSync(source, 'utf8')) ?? [];
const commands = block.split('\n').flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : []));
const home = mkdtempSync(join(tmpdir(), 'foster-picture-'));
const env = {
  PATH: `${resolve('dist')}:${process.env.PATH}`,
  HOME: home,
  XDG_RUNTIME_DIR: home,
  USER: process.env.USER ?? 'you',
  LANG: 'C.UTF-8',
};

/** Runs a command; its lines with the seconds after which they came. */
async function run(command) {
  const start = performance.now();
  const child = spawn('sh', ['-c', `exec 2>&1; ${command}`], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    for (const part of parts) lines.push({ text: part, after: (performance.now() - start) / 1000 });
  });
  await new Promise((done) => child.on('close', done));
  return { lines, seconds: (performance.now() - start) / 1000 };
}

/** Lines of the picture: the text, when it begins to appear, and how long it takes. */
const shown = [];
let clock = 0.5;
try {
  spawnSync('foster', ['run', '--rm', 'busybox', 'true'], { env }); // the root filesystem is made only once
  for (const command of commands) {
    const isComment = command.startsWith('#');
    const text = isComment ? command : `$ ${command}`;
    if (isComment && shown.length > 0) shown.push({ text: '', at: clock, typing: 0 });
    const typing = text.length / TYPED;
    shown.push({ text, at: clock, typing });
    clock += typing + 0.2;
    if (isComment) continue;
    const { lines, seconds } = await run(command);
    for (const line of lines) shown.push({ text: line.text, at: clock + line.after, typing: 0 });
    clock += seconds + PAUSE;
    await delay(1000 * PAUSE); // the picture shows it, too
  }
} finally {
  spawnSync('sh', ['-c', 'foster rm -f $(foster ps -aq)'], { env });
  rmSync(home, { recursive: true, force: true });
}
const total = clock + REST;

const columns = Math.max(...shown.map(({ text }) => text.length));
const width = Math.ceil(columns * COLUMN + 2 * MARGIN);
const height = BAR + shown.length * LINE + 2 * MARGIN - 6;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const percent = (seconds) => `${((100 * seconds) / total).toFixed(2)}%`;

function colour(text) {
  if (text.startsWith('$ ')) return '#7fd1b9';
  if (text.startsWith('# ')) return '#8b98a9';
  if (/^ *\d+ +\d+ Z/.test(text)) return '#ff7b72';
  return text.includes('foster-init') ? '#f2c14e' : '#d8dee9';
}

/** Hidden until it appears, and then, if it is typed, uncovered from the left, a character at a time. */
function keyframes({ at, typing }, index) {
  const covered = 'clip-path:inset(0 100% 0 0)';
  const open = 'clip-path:inset(0 0 0 0)';
  return `@keyframes l${index}{0%,${percent(at)}{${covered}}${percent(at + Math.max(typing, 0.01))},100%{${open}}}`;
}

const visible = shown.map((line, index) => ({ ...line, index })).filter(({ text }) => text !== '');
const rules = visible.map(({ text, typing, index }) => {
  const timing = typing > 0 ? `steps(${text.length})` : 'step-end';
  return `.l${index}{animation:l${index} ${total.toFixed(1)}s ${timing} infinite}`;
});
const text = visible.map(({ text: line, index }) => {
  const y = BAR + MARGIN + 8 + index * LINE;
  return `<text class="l${index}" x="${MARGIN}" y="${y}" fill="${colour(line)}" xml:space="preserve">${escaped(line)}</text>`;
});
const dots = ['#ff5f56', '#ffbd2e', '#27c93f'].map(
  (fill, index) => `<circle cx="${18 + index * 18}" cy="15" r="5.5" fill="${fill}"/>`,
);

writeFileSync(
  target,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">
<style>@media (prefers-reduced-motion:no-preference){
${visible.map((line) => keyframes(line, line.index)).join('\n')}
${rules.join('\n')}
}</style>
<rect width="${width}" height="${height}" rx="8" fill="#22272e"/>
${dots.join('')}
${text.join('\n')}
</svg>
`,
);
