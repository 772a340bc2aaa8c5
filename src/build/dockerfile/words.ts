import { FosterError } from '../../sys/errors.js';

/** Words and variables of a Dockerfile: Dockerfile reference, "Environment replacement". */

/** Returns the value of a variable; undefined if it is not set. */
export type Variables = (name: string) => string | undefined;

export interface ExpandOptions {
  /** The file's escape character. */
  escape: string;
  /** Keep quotes, and treat the escape character as such only before `$`: for here-documents. */
  raw?: boolean;
}

/**
 * Expands the variables in a word, and removes its quotes and escape characters.
 * @throws FosterError for an unclosed or unknown construct, or as `${NAME:?message}` requires
 */
export function expand(word: string, variables: Variables, options: ExpandOptions): string {
  return new Expansion(word, variables, options).all();
}

/** As `expand`, for a text that may become several words, separated by spaces outside quotes. */
export function expandWords(text: string, variables: Variables, options: ExpandOptions): string[] {
  return splitWords(text, options.escape).flatMap((word) => {
    const expanded = expand(word, variables, options);
    return /["']/.test(word) ? [expanded] : expanded.split(/\s+/).filter((part) => part !== '');
  });
}

/** Splits a text at white space that is neither quoted nor escaped. Keeps the quotes. */
export function splitWords(text: string, escapeCharacter: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (quote === '' && /\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    word += char;
    if (char === escapeCharacter && quote !== "'" && at + 1 < text.length) word += text[++at];
    else if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
  }
  return word === '' ? words : [...words, word];
}

/** The strings of the exec form, `["a", "b"]`; undefined for the shell form. */
export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Splits `NAME=VALUE` at its first `=`, which must not be quoted. */
export function splitPair(word: string): [name: string, value: string] | undefined {
  const equals = word.indexOf('=');
  return equals <= 0 ? undefined : [word.slice(0, equals), word.slice(equals + 1)];
}

class Expansion {
  readonly #text: string;
  readonly #variables: Variables;
  readonly #escape: string;
  readonly #raw: boolean;
  #at = 0;

  constructor(text: string, variables: Variables, { escape: escapeCharacter, raw = false }: ExpandOptions) {
    this.#text = text;
    this.#variables = variables;
    this.#escape = escapeCharacter;
    this.#raw = raw;
  }

  all(): string {
    return this.#until('');
  }

  /** Expands up to `end`, and skips it; '' for the end of the text. */
  #until(end: string): string {
    let result = '';
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? '';
      if (char === end) {
        this.#at++;
        return result;
      }
      if (char === '$') result += this.#variable();
      else if (char === this.#escape) result += this.#escaped(this.#raw ? '$' : undefined);
      else if (!this.#raw && char === "'") result += this.#single();
      else if (!this.#raw && char === '"') result += this.#double();
      else {
        result += char;
        this.#at++;
      }
    }
    if (end !== '') throw new FosterError(`'${end}' is missing after ${this.#text}`);
    return result;
  }

  /** In double quotes and in raw text, the escape character is literal before most characters. */
  #escaped(special: string | undefined): string {
    const next = this.#text[this.#at + 1] ?? '';
    this.#at += 1 + next.length;
    const isMeant = special === undefined ? true : next !== '' && special.includes(next);
    return isMeant ? next : this.#escape + next;
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw new FosterError(`a single quote is not closed in ${this.#text}`);
    const content = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return content;
  }

  #double(): string {
    this.#at++;
    let result = '';
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new FosterError(`a double quote is not closed in ${this.#text}`);
      if (char === '"') {
        this.#at++;
        return result;
      }
      if (char === '$') result += this.#variable();
      else if (char === this.#escape) result += this.#escaped(`"$${this.#escape}`);
      else {
        result += char;
        this.#at++;
      }
    }
  }

  #variable(): string {
    this.#at++; // $
    if (this.#text[this.#at] === '{') {
      this.#at++;
      return this.#braced();
    }
    const [name] = NAME.exec(this.#text.slice(this.#at)) ?? [];
    if (name === undefined) return '$';
    this.#at += name.length;
    return this.#variables(name) ?? '';
  }

  #braced(): string {
    const [name] = NAME.exec(this.#text.slice(this.#at)) ?? [];
    if (name === undefined) throw new FosterError(`a name is missing after \${ in ${this.#text}`);
    this.#at += name.length;
    const [operator = ''] = /^(?::?[-+?]|##?|%%?|\/\/?)/.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += operator.length;
    const value = this.#variables(name);
    if (operator === '') {
      if (this.#text[this.#at] !== '}')
        throw new FosterError(`unsupported substitution of ${name} in ${this.#text}`);
      this.#at++;
      return value ?? '';
    }
    if (/[#%/]/.test(operator)) {
      throw new FosterError(`unsupported substitution \${${name}${operator}...}: foster supports -, + and ?`);
    }
    const word = this.#until('}');
    const isSet = value !== undefined && (!operator.startsWith(':') || value !== '');
    switch (operator.at(-1)) {
      case '-':
        return isSet ? value : word;
      case '+':
        return isSet ? word : '';
      default:
        if (isSet) return value;
        throw new FosterError(`${name}: ${word || 'is not set'}`);
    }
  }
}

const NAME = /^(?:[A-Za-z_]\w*|\d+)/;
