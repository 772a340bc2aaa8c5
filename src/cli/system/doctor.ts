import type { Command } from 'commander';
import type { DoctorReport } from '../../engine/doctor.js';
import { flagError, visible } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { coloured, isColoured } from '../format/colour.js';
import { wrapWords } from '../format/wrap.js';
import { helpWidth } from '../help-layout.js';
import { print, printRaw, settings } from '../output.js';

interface Options {
  fix?: boolean;
  json?: boolean;
  format?: string;
  timeout?: number;
}

/** `foster doctor`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Find what keeps containers from running here, or from running well, and say what mends it.')
    .argument('[CHECK...]', 'only these checks')
    .option('--fix', 'make the changes that need no root, such as modes of folders')
    .option('--format <FORMAT>', 'json instead of text')
    .option('--json', 'the same as --format json')
    .option('--timeout <SECONDS>', 'how long all checks may take (default: 10)', parseTimeout);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Each check is ok, a warning (something does not work, or not well) or a failure (no',
    'container can run). Without --fix nothing is changed. The exit code is 1 if a check',
    'fails, else 0.',
    '',
    'Examples:',
    '  foster doctor',
    '  foster doctor user-namespaces id-ranges',
    '  foster doctor --fix',
    '  foster doctor --json | jq \'.checks[] | select(.level != "ok")\'',
  ]);
  command.action(async (names: string[], options: Options) => {
    const { fix = false, timeout } = options;
    if (options.format !== undefined && options.format !== 'json')
      throw flagError('--format', options.format, 'expected json');
    const { doctor } = await import('../../engine/doctor.js');
    const reports = await doctor({ names, fix, ...(timeout !== undefined && { timeout }) });
    if (options.json || options.format === 'json') print(`${JSON.stringify(asJson(reports), null, 2)}\n`);
    else printRaw(drawReports(reports, helpWidth(command)));
    settings.exitCode = reports.some(({ level }) => level === 'fail') ? 1 : 0;
  });
}

function parseTimeout(value: string): number {
  if (/^\d{1,4}(\.\d{1,3})?$/.test(value) && Number(value) > 0) return Number(value) * 1000;
  throw flagError('--timeout', value, 'expected a number of seconds');
}

function count(reports: readonly DoctorReport[], level: DoctorReport['level']): number {
  return reports.filter((report) => report.level === level).length;
}

/** What is to be done for `--fix` is not for others. */
function asJson(reports: readonly DoctorReport[]) {
  const checks = reports.map(({ fixes, ...report }) => ({ ...report, ...(fixes && { canFix: true }) }));
  return {
    ok: count(reports, 'ok'),
    warnings: count(reports, 'warn'),
    failures: count(reports, 'fail'),
    checks,
  };
}

/** Columns that what was found needs beside the names of checks; where there are fewer, it is below them. */
const ROOM = 20;

/** Lines of `width` columns, but for commands, which are to be copied. */
function drawReports(reports: readonly DoctorReport[], width: number): string {
  const isPainted = isColoured(1);
  const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
  const nameWidth = Math.max(...reports.map(({ name }) => name.length));
  const isNarrow = width < nameWidth + 8 + ROOM;
  const indent = ' '.repeat(isNarrow ? 2 : 8);
  const below = (text: string) => wrapWords(text, width, { first: indent, hanging: indent });
  const lines: string[] = [];
  for (const { name, level, found, means, mend = [], fixed = [], fixes = [] } of reports) {
    const [first = '', ...rest] = isNarrow
      ? [`${level.padEnd(6)}${name}`, ...below(visible(found))]
      : besides(`${level.padEnd(6)}${name.padEnd(nameWidth + 2)}`, visible(found), width);
    const word = isPainted ? coloured(level, COLOURS[level]) : level;
    lines.push(word + first.slice(level.length), ...rest);
    for (const each of fixed) lines.push(...below(`fixed: ${visible(each)}`));
    if (means !== undefined && level !== 'ok') lines.push(...below(visible(means)));
    for (const one of mend) lines.push(...drawMend(one, indent, width));
    if (fixes.length > 0 && fixed.length === 0) lines.push(`${indent}or: foster doctor --fix`);
  }
  const [warnings, failures] = [count(reports, 'warn'), count(reports, 'fail')];
  lines.push(
    '',
    `${count(reports, 'ok')} ok, ${plural(warnings, 'warning')}, ${plural(failures, 'failure')}`,
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** Text that begins after a head, with its other lines below it. */
function besides(head: string, text: string, width: number): string[] {
  return wrapWords(text, width, { first: head, hanging: ' '.repeat(head.length) });
}

type Mend = NonNullable<DoctorReport['mend']>[number];

function drawMend({ who, command, advice }: Mend, indent: string, width: number): string[] {
  const lead = who === 'root' ? 'as root: ' : '';
  const lines: string[] = [];
  if (command !== undefined) {
    const [first = '', ...rest] = command.split('\n').map(visible);
    if (rest.length === 0) lines.push(`${indent}${lead}${first}`);
    // the lines of a document for a shell begin at the left
    else lines.push(`${indent}${who === 'root' ? 'as root:' : 'type:'}`, first, ...rest);
  }
  if (advice !== undefined) {
    const or = command === undefined ? '' : 'or: ';
    lines.push(...wrapWords(visible(advice), width, { first: `${indent}${or}`, hanging: `${indent}  ` }));
  }
  return lines;
}

function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
