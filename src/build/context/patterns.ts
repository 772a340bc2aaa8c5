import { quoted } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';

/**
 * Matches one character; or any number of them, with or without slashes; or any number of directories, each with its
 * slash.
 */
type Token = ((char: string) => boolean) | Wildcard;
type Wildcard = 'anything' | 'word' | 'directories';

/** More than anyone needs; each takes space on the stack. */
const MAX_WILDCARDS = 200;

/**
 * Go's filepath.Match for components of a path, plus `**` for any number of components. Matching takes polynomial time:
 * a regular expression with many wildcards could take exponential time, and the author of a Dockerfile need not be
 * trusted.
 */
export class Pattern {
  readonly #tokens: Token[];

  /** @throws FosterError for an invalid set such as [z-a], and for too many wildcards */
  constructor(pattern: string) {
    this.#tokens = parse(pattern);
    if (this.#tokens.filter((token) => typeof token === 'string').length > MAX_WILDCARDS)
      throw invalidPattern(pattern, `it has more than ${MAX_WILDCARDS} wildcards`);
  }

  matches(path: string): boolean {
    return this.#fits(path, 0, 0, false, new Set());
  }

  /** Whether it matches the path or one of its parents. */
  covers(path: string): boolean {
    return this.#fits(path, 0, 0, true, new Set());
  }

  /**
   * Whether the tokens starting at `token` match the path starting at `at`, or a prefix of it that ends at a slash.
   * @param failed positions where a wildcard is known not to match, so that none is tried twice
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

/** The next position where a wildcard can end, after this one. */
function nextEnd(kind: Wildcard, path: string, end: number): number | undefined {
  if (kind === 'directories') {
    const slash = path.indexOf('/', end);
    return slash < 0 ? undefined : slash + 1;
  }
  return end < path.length && (kind === 'anything' || path[end] !== '/') ? end + 1 : undefined;
}

function invalidPattern(pattern: string, why: string): FosterError {
  return new FosterError(`${quoted(pattern.slice(0, 100))} is not a valid pattern: ${why}`, { exitCode: 1 });
}

function setRegExp(not: string, characters: string, pattern: string): RegExp {
  try {
    return new RegExp(`^[${not}${characters.replace(/[[\]]/g, '\\$&')}]$`, 's');
  } catch {
    throw invalidPattern(pattern, `[${not}${characters}] is not a valid set of characters`);
  }
}

/** `[a-z]`, `[^\]]` */
const SET = /\[(\^?)((?:\\.|[^\]\\])+)\]/sy;

function parse(pattern: string): Token[] {
  const tokens: Token[] = [];
  const is = (wanted: string) => (char: string) => char === wanted;
  let hasEnd = true; // once a set has none, no later one has: each would look for it up to the end
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
      SET.lastIndex = at;
      const set = hasEnd ? SET.exec(pattern) : null;
      if (set === null) {
        if (pattern[at + 1] !== ']') hasEnd = false;
        tokens.push(is('['));
      } else {
        const regExp = setRegExp(set[1] ?? '', set[2] ?? '', pattern);
        tokens.push((one) => regExp.test(one));
        at += set[0].length - 1;
      }
    } else tokens.push(is(char));
  }
  return tokens;
}

/** Whether a text contains wildcards or sets. */
export function isPattern(text: string): boolean {
  return /[*?[\\]/.test(text);
}

interface Rule {
  pattern: Pattern;
  /** Whether it includes what an earlier rule has excluded. */
  isException: boolean;
  /** Its components before the first one with a wildcard. */
  fixed: string[];
}

/**
 * A `.dockerignore` file: one pattern per line, `!` before an exception, `#` before a comment. The last pattern that
 * matches a path, or one of its parents, decides.
 */
export class IgnoreRules {
  readonly #rules: Rule[];

  constructor(text: string) {
    this.#rules = text
      .replace(/^\ufeff/, '')
      .split('\n')
      .flatMap((line) => readRule(line) ?? []);
  }

  /** @param path relative to the context, without a slash at the end */
  ignores(path: string): boolean {
    let isIgnored = false;
    for (const { pattern, isException } of this.#rules) {
      if (isException === isIgnored && pattern.covers(path)) isIgnored = !isException;
    }
    return isIgnored;
  }

  /** Whether a directory is ignored with everything that can be in it. */
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
