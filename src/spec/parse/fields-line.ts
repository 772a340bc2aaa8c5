/** A line of comma-separated values, as --mount takes it: fields with a comma or a quote are quoted. */
export function fieldsLine(
  fields: Readonly<Record<string, string | undefined>>,
  more: readonly string[] = [],
): string {
  const texts = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${value}`],
  );
  return [...texts, ...more]
    .map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}
