import type { Command } from 'commander';
import { visible } from '../../spec/parse/flag.js';
import { addHelpAfter } from '../command.js';
import { compileTemplate } from '../format/template/template.js';
import { print } from '../output.js';
import { VERSION } from '../version.js';

/** `foster info`. */
export function configure(command: Command): void {
  command
    .description('Show what foster can do on this machine: versions, namespaces, id ranges, storage.')
    .option('-f, --format <FORMAT>', "json, or a template such as '{{.Host.Arch}}'");
  addHelpAfter(command, [
    'Examples:',
    '  foster info',
    "  foster info --format '{{.Store.GraphRoot}}'",
    '  foster info --format json',
    '',
    'Templates and JSON have the fields of docker info and podman info, as far as foster has what they are about: .ServerVersion .Driver .Host.OS .Store.GraphRoot ...',
  ]);
  command.action(async (options: { format?: string }) => {
    const engine = await import('../../engine/system.js');
    if (options.format === undefined) return print(outline(await engine.info(), ''));
    const isJson = options.format === 'json';
    const render = isJson ? undefined : compileTemplate(options.format);
    const { json, fields } = await engine.infoViews(VERSION);
    print(render === undefined ? `${JSON.stringify(json, null, 4)}\n` : `${render(fields)}\n`);
  });
}

/** A line for each name and value; nested ones are indented. */
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
