import { wire } from '../../sys/wire-constants.js';
import { flagError } from './flag.js';

/** Of signals 1 to 31; the index is the number. */
const NAMES = wire.SIGNAL_NAMES.split(' ');

const ALIASES: ReadonlyMap<string, number> = new Map([
  ['IOT', 6],
  ['CLD', 17],
  ['POLL', 29],
]);

/** Real-time signals as the C library numbers them; 32 and 33 are reserved for it. */
const RTMIN = 34;
const RTMAX = 64;

/**
 * The number of a signal given by name or number: `TERM`, `sigterm`, `15`, `SIGRTMIN+3`, `RTMAX-1`.
 * @throws FosterError that names `flag`, unless it is a signal from 1 to 64
 */
export function parseSignal(flag: string, value: string): number {
  const number = signalNumber(value);
  if (number === undefined) {
    throw flagError(
      flag,
      value,
      'expected a signal such as TERM, SIGINT, SIGRTMIN+3 or a number from 1 to 64',
    );
  }
  return number;
}

function signalNumber(value: string): number | undefined {
  const name = value.toUpperCase().replace(/^SIG/, '');
  if (/^\d{1,2}$/.test(name)) return inRange(Number(name), 1, RTMAX);
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime !== null) {
    const [, base, sign, offset = '0'] = realTime;
    const distance = sign === '-' ? -Number(offset) : Number(offset);
    return inRange((base === 'MIN' ? RTMIN : RTMAX) + distance, RTMIN, RTMAX);
  }
  const index = NAMES.indexOf(name);
  return index > 0 ? index : ALIASES.get(name);
}

function inRange(number: number, low: number, high: number): number | undefined {
  return number >= low && number <= high ? number : undefined;
}

/** The name of a signal, as for `parseSignal`: `SIGTERM`, `SIGRTMIN+3`; `SIG32` for one without a name. */
export function signalName(number: number): string {
  if (number > RTMIN && number < RTMAX) return `SIGRTMIN+${number - RTMIN}`;
  if (number === RTMIN) return 'SIGRTMIN';
  if (number === RTMAX) return 'SIGRTMAX';
  const name = number > 0 ? NAMES[number] : undefined;
  return `SIG${name ?? number}`;
}
