import { drawTable } from './table.js';
import { compileTemplate } from './template/template.js';

/** How to print a list, with the formats of Docker's --format. */
export interface ListFormat<Field extends string> {
  /** The heading of each field of a row. */
  headings: Record<Field, string>;
  /** The default fields of the table. */
  columns: Field[];
  /** Prints the table without headings. */
  isHeadless?: boolean | undefined;
}

/**
 * Formats rows: `table`, `table TEMPLATE`, `json` (an object on each line) or a template for each row.
 * @param rows may have more fields, which a template can use
 * @throws FosterError for an invalid template
 */
export function formatList<Field extends string>(
  rows: Record<Field, string>[],
  { headings, columns, isHeadless }: ListFormat<Field>,
  wanted: string | undefined,
): string {
  const format = (wanted ?? 'table').replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  if (format === 'json') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  if (!/^table(\s|$)/.test(format)) {
    const render = compileTemplate(format);
    return rows.map((row) => `${render(row)}\n`).join('');
  }
  const all = isHeadless ? rows : [headings, ...rows];
  // spaces between fields separate columns, as in Podman
  const own = format.replace(/^table\s*/, '').replaceAll('}} {{', '}}\t{{');
  if (own === '') return drawTable(all.map((row) => columns.map((column) => row[column])));
  const render = compileTemplate(own);
  return drawTable(all.map((row) => String(render(row)).trimEnd().split('\t')));
}
