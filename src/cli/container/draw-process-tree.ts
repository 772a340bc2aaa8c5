import type { ProcessNode } from '../../engine/processes.js';
import { flagError, visible } from '../../spec/parse/flag.js';
import { drawTable } from '../format/table.js';
import { print } from '../output.js';
import { orReport } from './each.js';

/**
 * Prints the process trees of containers, of all running ones if none is named; with more than one, each has a heading.
 * @param format json, or undefined for a drawing
 * @throws FosterError for another format
 */
export async function printTrees(references: string[], format: string | undefined): Promise<void> {
  if (format !== undefined && format !== 'json') throw flagError('--format', format, 'expected json');
  const { runningIds, tree } = await import('../../engine/processes.js');
  const targets = references.length > 0 ? references : await runningIds();
  const ascii = !hasLineCharacters(process.env);
  for (const [index, target] of targets.entries()) {
    await orReport(async () => {
      const { name, roots } = await tree(target);
      if (format === 'json') return print(`${JSON.stringify(roots, null, 2)}\n`);
      const heading = `${index > 0 ? '\n' : ''}${name}\n`;
      print((targets.length > 1 ? heading : '') + drawTree(roots, { ascii }));
    });
  }
}

/** What the lines of a tree are drawn with. */
export interface Pen {
  branch: string;
  last: string;
  pass: string;
  none: string;
}

const LINES: Pen = { branch: '├─ ', last: '└─ ', pass: '│  ', none: '   ' };
const ASCII: Pen = { branch: '|- ', last: '`- ', pass: '|  ', none: '   ' };

/** The pen for the caller's locale. */
export function penFor(env: NodeJS.ProcessEnv): Pen {
  return hasLineCharacters(env) ? LINES : ASCII;
}

/** What is before a command in a tree. @param lasts whether it and its ancestors, from the top, are the last children */
export function branchOf(lasts: readonly boolean[], pen: Pen): string {
  const own = lasts.length - 1;
  return lasts
    .map((isLast, index) => (index === own ? (isLast ? pen.last : pen.branch) : isLast ? pen.none : pen.pass))
    .join('');
}

/** Whether the caller's locale has the characters of `LINES`: locale(7), the first variable that is set decides. */
export function hasLineCharacters(env: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
}

/** The text that `foster top --tree` prints: pids inside and outside, the state, and the tree of commands. */
export function drawTree(roots: ProcessNode[], options: { ascii: boolean }): string {
  const pen = options.ascii ? ASCII : LINES;
  const rows = [['PID', 'HOST PID', 'STAT', 'COMMAND']];
  const add = (node: ProcessNode, lead: string, ahead: string) => {
    rows.push([String(node.pid ?? '-'), String(node.hostPid), node.state, lead + describe(node)]);
    node.children.forEach((child, index) => {
      const isLast = index === node.children.length - 1;
      add(child, ahead + (isLast ? pen.last : pen.branch), ahead + (isLast ? pen.none : pen.pass));
    });
  };
  for (const root of roots) add(root, '', '');
  return drawTable(rows);
}

function describe(node: ProcessNode): string {
  const notes: string[] = [];
  if (node.joined) notes.push('came by foster exec');
  if (node.adopted) {
    const { session, group } = node.adopted;
    const past = [
      ...(session === undefined ? [] : [`session ${session}`]),
      ...(group === undefined ? [] : [`group ${group}`]),
    ];
    notes.push(`adopted by PID 1${past.length === 0 ? '' : `, was in ${past.join(', ')}`}`);
  }
  if (node.state === 'Z') notes.push('zombie: its parent has not waited for it');
  if (node.state === 'T') notes.push('stopped');
  const command = visible(node.command);
  return notes.length === 0 ? command : `${command}  (${notes.join('; ')})`;
}
