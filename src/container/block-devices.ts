import { statSync } from 'node:fs';
import type { DeviceRate } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';

/**
 * The numbers of the block devices whose rates are limited, or which have weights, by their paths.
 * @throws FosterError for a path that is not a block device
 */
export function blockDevices(
  rates: readonly DeviceRate[],
): ReadonlyMap<string, { major: number; minor: number }> {
  return new Map(rates.map(({ path }) => [path, numbersOf(path)]));
}

function numbersOf(path: string): { major: number; minor: number } {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined || !info.isBlockDevice()) {
    throw new FosterError(
      `cannot limit the use of ${path}: ${info === undefined ? 'it does not exist' : 'it is not a block device'}`,
      {
        kind: 'invalid',
        advice: 'lsblk lists the block devices',
      },
    );
  }
  return { major: majorOf(info.rdev), minor: minorOf(info.rdev) };
}

/** makedev(3) of Linux. */
export function majorOf(device: number): number {
  return Number((BigInt(device) >> 8n) & 0xfffn) + Number((BigInt(device) >> 32n) & ~0xfffn & 0xffffffffn);
}

export function minorOf(device: number): number {
  return (device & 0xff) + Number((BigInt(device) >> 12n) & 0xffffff00n);
}
