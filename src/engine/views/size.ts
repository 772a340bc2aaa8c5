/** Bytes in powers of 1024 with at most four digits, as Docker shows memory: `1.5MiB`. */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'], 4);
}

/** Bytes in powers of 1000 with at most three digits, as Docker shows traffic: `1.23kB`. */
export function decimalSize(bytes: number): string {
  return scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'], 3);
}

function scaled(bytes: number, base: number, units: string[], digits: number): string {
  let value = bytes;
  let index = 0;
  for (; value >= base && index < units.length - 1; index++) value /= base;
  return `${Number(value.toPrecision(digits))}${units[index]}`;
}
