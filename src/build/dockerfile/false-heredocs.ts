/**
 * dockerfile-ast treats each `<<` in RUN, COPY and ADD as the start of a here-document, also in quotes and in `$((1 <<
 * 3))`. Docker treats only separate words such as `<<EOF`, `<<-"EOF"` or `3<<EOF` so.
 */

const MAY_HAVE_HEREDOCS = /^\s*(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s/i;
const HEREDOC = /^\d*<<(-?)(["']?)([^<"'\s]+)\2$/;

/**
 * Replaces every `<<` in a Dockerfile that does not start a here-document by `__`, which keeps all positions.
 * @param escapeCharacter the line continuation character
 */
export function hideFalseHeredocs(text: string, escapeCharacter: string): string {
  if (!text.includes('<<')) return text;
  const lines = text.split('\n');
  const result: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const end = endOfInstruction(lines, at, escapeCharacter);
    const own = lines.slice(at, end);
    at = end;
    if (!MAY_HAVE_HEREDOCS.test(own[0] ?? '')) {
      result.push(...own);
      continue;
    }
    const { shown, names } = hideIn(own.join('\n'), escapeCharacter);
    result.push(...shown.split('\n'));
    for (const { name, trims } of names) {
      for (let isEnd = false; at < lines.length && !isEnd; at++) {
        const line = lines[at] ?? '';
        isEnd = (trims ? line.replace(/^\t+/, '') : line) === name;
        result.push(line);
      }
    }
  }
  return result.join('\n');
}

/** The line after an instruction, a comment or an empty line. */
function endOfInstruction(lines: string[], start: number, escapeCharacter: string): number {
  const isNothing = (line: string) => /^\s*(#|$)/.test(line);
  if (isNothing(lines[start] ?? '')) return start + 1;
  let at = start;
  while (
    at < lines.length - 1 &&
    ((at > start && isNothing(lines[at] ?? '')) || (lines[at] ?? '').trimEnd().endsWith(escapeCharacter))
  )
    at++;
  return at + 1;
}

interface HiddenHeredocs {
  shown: string;
  names: { name: string; trims: boolean }[];
}

function hideIn(text: string, escapeCharacter: string): HiddenHeredocs {
  const names: HiddenHeredocs['names'] = [];
  let shown = '';
  for (const word of wordsOf(text, escapeCharacter)) {
    const [, dash, , name] = HEREDOC.exec(word) ?? [];
    if (name === undefined) shown += word.replaceAll('<<', '__');
    else {
      names.push({ name, trims: dash === '-' });
      shown += word;
    }
  }
  return { shown, names };
}

/**
 * Words and the white space between them, which together are the text. Quotes and the escape character keep words
 * together.
 */
function wordsOf(text: string, escapeCharacter: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    const isSpace = quote === '' && /\s/.test(char);
    if (word !== '' && isSpace !== /^\s/.test(word)) {
      words.push(word);
      word = '';
    }
    word += char;
    if (char === escapeCharacter && quote !== "'" && text[at + 1] !== '\n') word += text[++at] ?? '';
    else if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
  }
  return word === '' ? words : [...words, word];
}
