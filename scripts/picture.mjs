#!/usr/bin/env node
/**
 * Draws the output of a command as a terminal: scripts/picture.mjs docs/pictures/NAME.svg COMMAND [ARG...]. The picture in
 * the README is made with it, so that it shows real output of foster.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const [file, command, ...args] = process.argv.slice(2);
if (file === undefined || command === undefined)
  throw new Error('usage: picture.mjs FILE.svg COMMAND [ARG...]');
const { stdout } = spawnSync('sh', ['-c', '"$@" 2>&1', 'sh', command, ...args], { encoding: 'utf8' });

const LINE = 18;
const COLUMN = 8.43;
const MARGIN = 16;
const BAR = 28;
const lines = stdout
  .trimEnd()
  .split('\n')
  .map((line) => line.replace(/\x1b\[[\d;]*m/g, ''));
const columns = Math.max(...lines.map((line) => line.length));
const width = Math.ceil(columns * COLUMN + 2 * MARGIN);
const height = BAR + lines.length * LINE + 2 * MARGIN - 6;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const colour = (line) =>
  /^[$#] /.test(line) ? '#7fd1b9' : line.startsWith('foster-init:') ? '#f2c14e' : '#d8dee9';
const text = lines.map((line, index) => {
  const y = BAR + MARGIN + 8 + index * LINE;
  return `<text x="${MARGIN}" y="${y}" fill="${colour(line)}" xml:space="preserve">${escaped(line)}</text>`;
});
const dots = ['#ff5f56', '#ffbd2e', '#27c93f'].map(
  (fill, index) => `<circle cx="${18 + index * 18}" cy="15" r="5.5" fill="${fill}"/>`,
);

writeFileSync(
  file,
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">
<rect width="${width}" height="${height}" rx="8" fill="#22272e"/>
${dots.join('')}
${text.join('\n')}
</svg>
`,
);
