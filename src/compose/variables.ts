import { FosterError } from '../sys/errors.js';

/** Where the values of `${NAME}` come from. */
export interface Variables {
  /** undefined if it is not set. */
  get(name: string): string | undefined;
  /** Called for a variable that is not set and has no default. */
  missing(name: string): void;
}

/** Why a text with variables cannot be used: the end of a sentence. */
export class VariableError extends Error {}

const NAME = /[a-zA-Z_]\w*/y;

/**
 * Replaces `$NAME` and `${NAME}` in a text, and the forms of the Compose Specification: `:-` and `-` with a default, `:?` and
 * `?` with an error, `:+` and `+` with a replacement, which may have variables themselves. `$$` is a dollar sign.
 * @throws VariableError
 */
export function interpolate(text: string, variables: Variables): string {
  if (!text.includes('$')) return text;
  return new Interpolation(text, variables).run();
}

class Interpolation {
  #at = 0;

  constructor(
    readonly text: string,
    readonly variables: Variables,
  ) {}

  run(): string {
    return this.#until('');
  }

  /** Everything up to `end`, or the end of the text. */
  #until(end: string): string {
    let result = '';
    while (this.#at < this.text.length) {
      const next = this.text[this.#at] ?? '';
      if (next === end) return result;
      if (next === '$') result += this.#variable();
      else {
        result += next;
        this.#at++;
      }
    }
    if (end !== '')
      throw new VariableError(`the ${end} of a variable is missing in ${JSON.stringify(this.text)}`);
    return result;
  }

  #variable(): string {
    this.#at++;
    const next = this.text[this.#at];
    if (next === '$') {
      this.#at++;
      return '$';
    }
    if (next !== '{') {
      const name = this.#name();
      if (name === undefined)
        throw new VariableError(
          `there is a $ without the name of a variable in ${JSON.stringify(this.text)}: write $$ for a dollar sign`,
        );
      return this.#valueOf(name);
    }
    this.#at++;
    const name = this.#name();
    if (name === undefined)
      throw new VariableError(`expected the name of a variable after \${ in ${JSON.stringify(this.text)}`);
    const value = this.#braced(name);
    this.#at++; // the brace
    return value;
  }

  #name(): string | undefined {
    NAME.lastIndex = this.#at;
    const [name] = NAME.exec(this.text) ?? [];
    if (name !== undefined) this.#at += name.length;
    return name;
  }

  #valueOf(name: string): string {
    const value = this.variables.get(name);
    if (value === undefined) this.variables.missing(name);
    return value ?? '';
  }

  #braced(name: string): string {
    const [, operator = ''] = /^(:?[-?+])/.exec(this.text.slice(this.#at, this.#at + 2)) ?? [];
    if (operator === '') {
      if (this.text[this.#at] !== '}')
        throw new VariableError(`expected }, :-, :? or :+ after \${${name} in ${JSON.stringify(this.text)}`);
      return this.#valueOf(name);
    }
    this.#at += operator.length;
    const start = this.#at;
    const value = this.variables.get(name);
    const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
    // what is not needed must not complain
    const word = this.#word(operator.endsWith('+') === isSet, start);
    if (operator.endsWith('+')) return isSet ? word : '';
    if (isSet) return value;
    if (operator.endsWith('-')) return word;
    throw new VariableError(
      `the variable ${name} is ${value === undefined ? 'not set' : 'empty'}${word === '' ? '' : `: ${word}`}`,
    );
  }

  #word(isUsed: boolean, start: number): string {
    if (isUsed) return this.#until('}');
    const silent = new Interpolation(this.text, { get: () => '', missing() {} });
    silent.#at = start;
    silent.#until('}');
    this.#at = silent.#at;
    return '';
  }
}

/** The variables of an environment, which warns of each that is not set once. */
export function variablesOf(
  env: Readonly<Record<string, string | undefined>>,
  warn: (sentence: string) => void,
): Variables {
  const warned = new Set<string>();
  return {
    get: (name) => (Object.hasOwn(env, name) ? env[name] : undefined),
    missing(name) {
      if (warned.has(name)) return;
      warned.add(name);
      warn(`the variable ${name} is not set: it is replaced by nothing`);
    },
  };
}

/** @throws FosterError that says where a text with variables is */
export function interpolateAt(text: string, variables: Variables, where: () => string): string {
  try {
    return interpolate(text, variables);
  } catch (error) {
    if (!(error instanceof VariableError)) throw error;
    throw new FosterError(`${where()}: ${error.message}`, { kind: 'invalid', exitCode: 1 });
  }
}
