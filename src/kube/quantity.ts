import type { Quantity } from './model.js';
import type { Place } from './place.js';

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a quantity is: `500m` is 0.5, `64Mi` is 67108864. @throws FosterError */
export function quantityOf(quantity: Quantity, place: Place): number {
  const [, amount = '', exponent = '', unit = ''] =
    /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))([eE][+-]?\d{1,2})?([a-zA-Z]{0,2})$/.exec(String(quantity)) ?? [];
  const factor = Object.hasOwn(FACTORS, unit) ? FACTORS[unit] : undefined;
  const number = factor === undefined || amount === '' ? Number.NaN : Number(amount + exponent) * factor;
  if (Number.isFinite(number) && number >= 0) return number;
  throw place.error(`expected a quantity such as 500m, 2, 64Mi or 1G, got ${JSON.stringify(quantity)}`);
}

/** Bytes. @throws FosterError */
export function bytesOf(quantity: Quantity, place: Place): number {
  const bytes = Math.ceil(quantityOf(quantity, place));
  if (Number.isSafeInteger(bytes)) return bytes;
  throw place.error('the size is too large');
}
