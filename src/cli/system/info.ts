import type { Command } from 'commander';
import { visible } from '../../spec/parse/flag.js';
import { addHelpAfter } from '../command.js';
import { compileTemplate } from '../format/template/template.js';
import { print } from '../output.js';

/** `foster info`. */
export function configure(command: Command): void {
  command
    .description('Show what foster can do on this machine: versions, namespaces, id ranges, storage.')
    .option('-f, --format <FORMAT>', "json, or a template such as '{{.version}}'");
  addHelpAfter(command, ['Examples:', '  foster info', '  foster info --format json']);
  command.action(async (options: { format?: string }) => {
    const engine = await import('../../engine/system.js');
    print(describe(await engine.info(), options.format));
  });
}

/** The text that `foster info` prints. */
export function describe(info: Record<string, unknown>, format: string | undefined): string {
  if (format === 'json') return `${JSON.stringify(info, null, 4)}\n`;
  if (format !== undefined) return `${compileTemplate(format)(info)}\n`;
  return outline(info, '');
}

/** Names and values a line each, what is nested further to the right. */
function outline(values: Record<string, unknown>, indent: string): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) {
        return `${indent}${name}: ${visible(value.join(', '))}\n`;
      }
      if (typeof value === 'object' && value !== null) {
        return `${indent}${name}:\n${outline({ ...value }, `${indent}  `)}`;
      }
      return `${indent}${name}: ${visible(String(value))}\n`;
    })
    .join('');
}
