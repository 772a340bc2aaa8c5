import { quoted } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';

/** Takes one character; or any number of them, with slashes or without; or directories, each with its slash, if any. */
type Token = ((char: string) => boolean) | Wildcard;
type Wildcard = 'anything' | 'word' | 'directories';

/** Nobody writes so many; each may need some room on the stack. */
const MOST_WILDCARDS = 200;

/**
 * Go's filepath.Match, for a component of a path or, with `**`, for any number of them. Matching takes a time that grows
 * with the lengths of both: a regular expression with many wildcards would take for ever, and whoever writes a Dockerfile
 * may not be the one who builds it.
 */
export class Pattern {
  readonly #tokens: Token[];

  /** @throws FosterError for a set that makes no sense, such as [z-a], and for too many wildcards */
  constructor(pattern: string) {
    this.#tokens = parse(pattern);
    if (this.#tokens.filter((token) => typeof token === 'string').length > MOST_WILDCARDS)
      throw refused(pattern, `it has more than ${MOST_WILDCARDS} wildcards`);
  }

  matches(path: string): boolean {
    return this.#fits(path, 0, 0, false, new Set());
  }

  /** Whether it stands for the path or for a directory above it. */
  covers(path: string): boolean {
    return this.#fits(path, 0, 0, true, new Set());
  }

  /**
   * Whether the tokens from `token` on fit the path from `at` on, or a beginning of it that ends at a slash.
   * @param failed places where a wildcard is known not to fit: none is tried twice
   */
  #fits(path: string, token: number, at: number, coversMore: boolean, failed: Set<number>): boolean {
    for (let next = token, here = at; ; next++) {
      const one = this.#tokens[next];
      if (one === undefined) return here === path.length || (coversMore && path[here] === '/');
      if (typeof one === 'string') return this.#wildcardFits(one, path, next, here, coversMore, failed);
      if (here >= path.length || !one(path[here++] ?? '')) return false;
    }
  }

  #wildcardFits(
    kind: Wildcard,
    path: string,
    token: number,
    at: number,
    coversMore: boolean,
    failed: Set<number>,
  ): boolean {
    for (let end: number | undefined = at; end !== undefined; end = nextEnd(kind, path, end)) {
      const place = token * (path.length + 1) + end;
      if (failed.has(place)) return false;
      failed.add(place);
      if (this.#fits(path, token + 1, end, coversMore, failed)) return true;
    }
    return false;
  }
}

/** Where else a wildcard can end that could end here. */
function nextEnd(kind: Wildcard, path: string, end: number): number | undefined {
  if (kind === 'directories') {
    const slash = path.indexOf('/', end);
    return slash < 0 ? undefined : slash + 1;
  }
  return end < path.length && (kind === 'anything' || path[end] !== '/') ? end + 1 : undefined;
}

function refused(pattern: string, why: string): FosterError {
  return new FosterError(`${quoted(pattern.slice(0, 100))} is not a pattern: ${why}`, { exitCode: 1 });
}

function setRegExp(not: string, characters: string, pattern: string): RegExp {
  try {
    return new RegExp(`^[${not}${characters.replace(/[[\]]/g, '\\$&')}]$`, 's');
  } catch {
    throw refused(pattern, `[${not}${characters}] is no set of characters`);
  }
}

function parse(pattern: string): Token[] {
  const tokens: Token[] = [];
  const is = (wanted: string) => (char: string) => char === wanted;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? '';
    if (pattern.startsWith('**/', at)) {
      tokens.push('directories');
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
        const regExp = setRegExp(set[1] ?? '', set[2] ?? '', pattern);
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
