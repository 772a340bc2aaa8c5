import { FosterError } from '../../sys/errors.js';

/** `text` with control characters, and those that change the direction of text, escaped as in JavaScript. */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (char) => {
    if (char === '\n') return '\\n';
    if (char === '\t') return '\\t';
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** As `visible`, but keeps newlines and tabs. JSON stays valid. */
export function printable(text: string): string {
  return text.replace(/[^\n\t]+/g, visible);
}

/** `text` in quotes, safe to print. */
export function quoted(text: string): string {
  return `'${visible(text)}'`;
}

/**
 * The error for an invalid value of a flag.
 * @param problem what is expected or wrong, as the end of a sentence
 */
export function flagError(flag: string, value: string, problem: string, advice?: string): FosterError {
  const message = `${flag} ${quoted(value)}: ${problem}`;
  return new FosterError(message, { kind: 'invalid', ...(advice !== undefined && { advice }) });
}

/**
 * The error for a value that Docker or Podman know and foster does not: the wording of src/cli/not-yet.ts.
 * @param because completes "... is not supported yet: "
 */
export function unsupportedValue(flag: string, value: string, because: string, advice?: string): FosterError {
  return new FosterError(`${flag} ${quoted(value)} is not supported yet: ${because}`, {
    kind: 'unsupported',
    ...(advice !== undefined && { advice }),
  });
}

/**
 * Parses a boolean in the spellings of Docker's flags: `true`, `1`, `t` and `false`, `0`, `f`.
 * @throws FosterError that names `flag`
 */
export function parseBoolean(flag: string, value: string): boolean {
  switch (value.toLowerCase()) {
    case '1':
    case 't':
    case 'true':
      return true;
    case '0':
    case 'f':
    case 'false':
      return false;
    default:
      throw flagError(flag, value, 'expected true or false');
  }
}
