import { templateError } from './parse.js';
import { show } from './values.js';

const MOST_WIDTH = 1000;

/**
 * The verbs of Go's fmt.Printf for the values of templates: strings, numbers, booleans, lists and maps.
 * @throws FosterError for others
 */
export function printf(format: string, args: unknown[]): string {
  let next = 0;
  return format.replace(
    /%([-+ #0]*)(\d+)?(?:\.(\d+))?(.?)/gs,
    (whole, marks: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      if (next >= args.length) return `%!${verb}(MISSING)`; // as Go does
      const places = precision === undefined ? undefined : Number(precision);
      const text = convert(whole, verb, args[next++], { marks, places });
      return fill(text, marks, Math.min(Number(width ?? 0), MOST_WIDTH), typeof args[next - 1] === 'number');
    },
  );
}

interface Wish {
  marks: string;
  places: number | undefined;
}

function convert(whole: string, verb: string, value: unknown, { marks, places }: Wish): string {
  const number = typeof value === 'number' ? value : undefined;
  const sign = marks.includes('+') && number !== undefined && number >= 0 ? '+' : '';
  switch (verb) {
    case 'v':
      return show(value);
    case 's':
      return places === undefined ? show(value) : [...show(value)].slice(0, places).join('');
    case 'q':
      return JSON.stringify(show(value));
    case 't':
      return typeof value === 'boolean' ? String(value) : wrong(verb, value);
    case 'd':
      return number === undefined ? wrong(verb, value) : `${sign}${Math.trunc(number)}`;
    case 'b':
    case 'o':
    case 'x':
    case 'X': {
      const text =
        number === undefined
          ? Buffer.from(show(value)).toString('hex')
          : number.toString({ b: 2, o: 8, x: 16, X: 16 }[verb]);
      return verb === 'X' ? text.toUpperCase() : text;
    }
    case 'c':
      return number === undefined ? wrong(verb, value) : String.fromCodePoint(number);
    case 'e':
    case 'f':
    case 'g': {
      if (number === undefined) return wrong(verb, value);
      const most = Math.min(places ?? 6, 100);
      return `${sign}${verb === 'f' ? number.toFixed(most) : verb === 'e' ? number.toExponential(most) : number}`;
    }
    default:
      throw templateError(`'printf' does not know '${whole}'`);
  }
}

function wrong(verb: string, value: unknown): string {
  return `%!${verb}(${typeof value}=${show(value)})`; // as Go does
}

function fill(text: string, marks: string, width: number, isNumber: boolean): string {
  if (marks.includes('-')) return text.padEnd(width);
  return text.padStart(width, marks.includes('0') && isNumber ? '0' : ' ');
}
