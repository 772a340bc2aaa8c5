import { FosterError } from '../sys/errors.js';
import { interpolateAt } from './variables.js';

const LINE_BREAK = /\r?\n/;

/**
 * Reads a file of variables as Compose does: `NAME=value` or `NAME: value` on each line, with `export` or without, comments,
 * values in quotes over several lines. `$NAME` is replaced, but not between single quotes.
 * @param file its name, for errors
 * @param outside the variables that have precedence: those of the caller
 * @returns the variables in their order; undefined for a name without a value
 * @throws FosterError that names the file and the line
 */
export function parseDotenv(
  text: string,
  file: string,
  outside: (name: string) => string | undefined,
): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  const lines = text.replace(/^\ufeff/, '').split(LINE_BREAK);
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? '').trim();
    if (line === '' || line.startsWith('#')) continue;
    const where = `${file}:${at + 1}`;
    const [, name, separator, rest = ''] =
      /^(?:export\s+)?([a-zA-Z_][\w.-]*)\s*(?:([=:])\s*(.*))?$/s.exec(line) ?? [];
    if (name === undefined)
      throw new FosterError(`${where}: expected NAME=value, got ${JSON.stringify(line)}`, {
        kind: 'invalid',
        exitCode: 1,
      });
    if (separator === undefined) {
      found.set(name, outside(name));
      continue;
    }
    const quote = rest[0] === '"' || rest[0] === "'" ? rest[0] : undefined;
    let raw = rest;
    if (quote !== undefined) {
      while (closingQuote(raw, quote) < 0) {
        at++;
        if (at >= lines.length)
          throw new FosterError(`${where}: the value of ${name} has no closing ${quote}`, {
            kind: 'invalid',
            exitCode: 1,
          });
        raw += `\n${lines[at]}`;
      }
      raw = raw.slice(1, closingQuote(raw, quote));
    } else raw = raw.startsWith('#') ? '' : raw.replace(/(?<!\s)\s+#.*$/, '').trimEnd();
    const variables = {
      get: (wanted: string) => outside(wanted) ?? found.get(wanted),
      missing() {},
    };
    const escaped = quote === '"' ? unescaped(raw) : raw;
    found.set(name, quote === "'" ? raw : interpolateAt(escaped, variables, () => where));
  }
  return found;
}

/** The position of the quote that ends a value; negative if it is not in the text. */
function closingQuote(text: string, quote: string): number {
  for (let at = 1; at < text.length; at++) {
    if (text[at] === '\\' && quote === '"') at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  $: '$$',
};

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (whole, letter: string) => ESCAPES[letter] ?? whole);
}
