import { drawTable } from './table.js';
import { compileTemplate } from './template/template.js';

/** How a list is shown: what Docker's --format takes. */
export interface ListFormat<Field extends string> {
  /** The heading of each field of a row. */
  headings: Record<Field, string>;
  /** Fields of the table, where nothing else is asked for. */
  columns: Field[];
}

/**
 * Rows as --format wants them: `table`, `table TEMPLATE`, `json` (an object a line) or a template for each row.
 * @throws FosterError for a template that is none
 */
export function formatList<Field extends string>(
  rows: Record<Field, string>[],
  { headings, columns }: ListFormat<Field>,
  wanted: string | undefined,
): string {
  const format = (wanted ?? 'table').replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  if (format === 'json') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  if (!/^table(\s|$)/.test(format)) {
    const render = compileTemplate(format);
    return rows.map((row) => `${render(row)}\n`).join('');
  }
  const own = format.replace(/^table\s*/, '');
  if (own === '') return drawTable([headings, ...rows].map((row) => columns.map((column) => row[column])));
  const render = compileTemplate(own);
  return drawTable([headings, ...rows].map((row) => String(render(row)).trimEnd().split('\t')));
}
