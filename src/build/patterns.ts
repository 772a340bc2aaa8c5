/** Go's filepath.Match as a regular expression, for one component of a path or, with `**`, for any number of them. */
function patternSource(pattern: string): string {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? '';
    if (char === '*' && pattern[at + 1] === '*') {
      at++;
      if (pattern[at + 1] === '/') {
        at++;
        source += '(?:.*/)?';
      } else source += '.*';
    } else if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '\\' && at + 1 < pattern.length) source += escaped(pattern[++at] ?? '');
    else if (char === '[') {
      const set = /^\[(\^?)((?:\\.|[^\]\\])+)\]/.exec(pattern.slice(at));
      if (set === null) source += '\\[';
      else {
        source += `[${set[1]}${(set[2] ?? '').replace(/[[\]]/g, '\\$&')}]`;
        at += set[0].length - 1;
      }
    } else source += escaped(char);
  }
  return source;
}

function escaped(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
}

/** Whether a text has what makes it a pattern. */
export function isPattern(text: string): boolean {
  return /[*?[\\]/.test(text);
}

/** A whole name, or path, that a pattern stands for. @throws SyntaxError for a set that makes no sense, such as [z-a] */
export function patternRegExp(pattern: string): RegExp {
  return new RegExp(`^${patternSource(pattern)}$`, 's');
}

interface Rule {
  regExp: RegExp;
  /** It brings back what an earlier one left out. */
  isException: boolean;
  /** Its components before the first that has a wildcard. */
  fixed: string[];
}

/**
 * A `.dockerignore` file: a pattern a line, `!` before an exception, `#` before a comment. The last that fits a path, or a
 * directory above it, decides.
 */
export class IgnoreRules {
  readonly #rules: Rule[];

  constructor(text: string) {
    this.#rules = text
      .replace(/^\ufeff/, '')
      .split('\n')
      .flatMap((line) => readRule(line) ?? []);
  }

  /** @param path relative to the context, without a slash at its end */
  ignores(path: string): boolean {
    let isIgnored = false;
    for (const { regExp, isException } of this.#rules) {
      if (isException === isIgnored && fits(regExp, path)) isIgnored = !isException;
    }
    return isIgnored;
  }

  /** Whether a directory is ignored with all that can be below it. */
  ignoresAll(directory: string): boolean {
    if (!this.ignores(directory)) return false;
    const parts = directory.split('/');
    return !this.#rules.some(
      ({ isException, fixed }) =>
        isException && fixed.every((part, index) => index >= parts.length || part === parts[index]),
    );
  }
}

function readRule(line: string): Rule | undefined {
  if (line.startsWith('#')) return undefined;
  let text = line.trim();
  const isException = text.startsWith('!');
  if (isException) text = text.slice(1).trim();
  const parts: string[] = [];
  for (const part of text.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  if (parts.length === 0) return undefined;
  const wild = parts.findIndex(isPattern);
  return {
    regExp: patternRegExp(parts.join('/')),
    isException,
    fixed: wild < 0 ? parts : parts.slice(0, wild),
  };
}

function fits(regExp: RegExp, path: string): boolean {
  if (regExp.test(path)) return true;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    if (regExp.test(path.slice(0, at))) return true;
  }
  return false;
}
