import { FosterError } from '../../sys/errors.js';
import { print, reportError, settings } from '../output.js';
import { compileTemplate } from './template/template.js';

/**
 * Prints the details of containers or images as a JSON array or with a template, then why others cannot be shown.
 */
export async function printInspections(
  references: string[],
  inspect: (reference: string) => Promise<Record<string, unknown>>,
  format: string | undefined,
): Promise<void> {
  const found: Record<string, unknown>[] = [];
  const failures: FosterError[] = [];
  for (const reference of references) {
    try {
      found.push(await inspect(reference));
    } catch (error) {
      if (!(error instanceof FosterError)) throw error;
      failures.push(error);
    }
  }
  print(formatObjects(found, format));
  failures.forEach(reportError);
  if (failures.length > 0) settings.exitCode = 1;
}

/** Objects as a JSON array, or each with a template. */
export function formatObjects(objects: Record<string, unknown>[], format: string | undefined): string {
  if (format === undefined) return `${JSON.stringify(objects, null, 4)}\n`;
  if (format === 'json') return `${JSON.stringify(objects)}\n`;
  const render = compileTemplate(format);
  return objects.map((object) => `${render(object)}\n`).join('');
}
