/**
 * Takes one character; any number of them, with slashes or without; directories, each with its slash, which `optional`
 * before them says may be none.
 */
type Token = ((char: string) => boolean) | 'anything' | 'word' | 'optional' | 'directories';

/**
 * Go's filepath.Match, for a component of a path or, with `**`, for any number of them. Matching takes a time that grows
 * with the lengths of both: a regular expression with many wildcards would take for ever, and whoever writes a Dockerfile
 * may not be the one who builds it.
 */
export class Pattern {
  readonly #tokens: Token[];

  /** @throws SyntaxError for a set that makes no sense, such as [z-a] */
  constructor(pattern: string) {
    this.#tokens = parse(pattern);
  }

  matches(path: string): boolean {
    return this.#run(path).isWhole;
  }

  /** Whether it stands for the path or for a directory above it. */
  covers(path: string): boolean {
    return this.#run(path).isCovered;
  }

  /** Goes through the path once, with all the places in the pattern where it can be by now. */
  #run(path: string): { isWhole: boolean; isCovered: boolean } {
    const end = this.#tokens.length;
    let places = this.#closure([0]);
    let isCovered = false;
    for (const char of path) {
      if (char === '/' && places.has(end)) isCovered = true;
      const next: number[] = [];
      for (const place of places) {
        const token = this.#tokens[place];
        if (token === 'anything' || token === 'directories' || (token === 'word' && char !== '/'))
          next.push(place);
        if (token === 'directories' && char === '/') next.push(place + 1);
        if (typeof token === 'function' && token(char)) next.push(place + 1);
      }
      if (next.length === 0) return { isWhole: false, isCovered };
      places = this.#closure(next);
    }
    const isWhole = places.has(end);
    return { isWhole, isCovered: isCovered || isWhole };
  }

  /** With the places behind wildcards that stand for nothing. */
  #closure(places: number[]): Set<number> {
    const all = new Set(places);
    for (const place of all) {
      const token = this.#tokens[place];
      if (token === 'anything' || token === 'word' || token === 'optional') all.add(place + 1);
      if (token === 'optional') all.add(place + 2);
    }
    return all;
  }
}

function parse(pattern: string): Token[] {
  const tokens: Token[] = [];
  const is = (wanted: string) => (char: string) => char === wanted;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? '';
    if (pattern.startsWith('**/', at)) {
      tokens.push('optional', 'directories');
      at += 2;
    } else if (pattern.startsWith('**', at)) {
      tokens.push('anything');
      at++;
    } else if (char === '*') tokens.push('word');
    else if (char === '?') tokens.push((one) => one !== '/');
    else if (char === '\\' && at + 1 < pattern.length) tokens.push(is(pattern[++at] ?? ''));
    else if (char === '[') {
      const set = /^\[(\^?)((?:\\.|[^\]\\])+)\]/.exec(pattern.slice(at));
      if (set === null) tokens.push(is('['));
      else {
        const regExp = new RegExp(`^[${set[1]}${(set[2] ?? '').replace(/[[\]]/g, '\\$&')}]$`, 's');
        tokens.push((one) => regExp.test(one));
        at += set[0].length - 1;
      }
    } else tokens.push(is(char));
  }
  return tokens;
}

/** Whether a text has what makes it a pattern. */
export function isPattern(text: string): boolean {
  return /[*?[\\]/.test(text);
}

interface Rule {
  pattern: Pattern;
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
    for (const { pattern, isException } of this.#rules) {
      if (isException === isIgnored && pattern.covers(path)) isIgnored = !isException;
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
    pattern: new Pattern(parts.join('/')),
    isException,
    fixed: wild < 0 ? parts : parts.slice(0, wild),
  };
}
