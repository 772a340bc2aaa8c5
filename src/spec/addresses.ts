/** IP addresses and subnets as numbers, for both families. */

export type Family = 4 | 6;

/** Addresses that have their first `prefix` bits in common. */
export interface Subnet {
  family: Family;
  /** The first address. */
  base: bigint;
  prefix: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;

/** Undefined if it is not an address. Loading node:net for this would take a start milliseconds. */
export function familyOf(text: string): Family | undefined {
  return parseIpv4(text) !== undefined ? 4 : parseIpv6(text) !== undefined ? 6 : undefined;
}

/** Parses `10.88.0.1` or `fd00::1`; undefined for anything else, also for an address with a zone (`%eth0`). */
export function parseAddress(text: string): bigint | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  const isWhole =
    parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  return isWhole ? parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n) : undefined;
}

function parseIpv6(text: string): bigint | undefined {
  if (!text.includes(':')) return undefined;
  const halves = withoutDots(text).split('::');
  const [first = [], last] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = last === undefined ? 0 : 8 - first.length - last.length;
  if (halves.length > 2 || (last !== undefined && missing < 1)) return undefined;
  const all = [...first, ...Array.from({ length: missing }, () => '0'), ...(last ?? [])];
  if (all.length !== 8 || !all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/** `::ffff:10.0.0.1` as `::ffff:a00:1`. */
function withoutDots(text: string): string {
  const at = text.lastIndexOf(':') + 1;
  const value = parseIpv4(text.slice(at));
  if (value === undefined) return text;
  return `${text.slice(0, at)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

/** Formats an address; IPv6 as in RFC 5952. */
export function formatAddress(value: bigint, family: Family): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === '0') length++;
    if (length > best.length) best = { at, length };
  }
  if (best.at < 0) return groups.join(':');
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`;
}

/** Parses `10.88.0.0/16`, and clears host bits; undefined if it is not a subnet. */
export function parseSubnet(text: string): Subnet | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const [family, value] = [familyOf(address), parseAddress(address)];
  if (family === undefined || value === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length))
    return undefined;
  const prefix = Number(length);
  if (prefix > WIDTH[family]) return undefined;
  return { family, base: value - (value % sizeOf({ family, prefix })), prefix };
}

/** The number of addresses in a subnet. */
export function sizeOf({ family, prefix }: Pick<Subnet, 'family' | 'prefix'>): bigint {
  return 1n << BigInt(WIDTH[family] - prefix);
}

export function formatSubnet({ base, family, prefix }: Subnet): string {
  return `${formatAddress(base, family)}/${prefix}`;
}

export function contains(subnet: Subnet, address: bigint, family: Family): boolean {
  return family === subnet.family && address >= subnet.base && address < subnet.base + sizeOf(subnet);
}

export function overlap(one: Subnet, other: Subnet): boolean {
  return (
    one.family === other.family &&
    one.base < other.base + sizeOf(other) &&
    other.base < one.base + sizeOf(one)
  );
}

/** The bytes in the network's order: 4 or 16. */
export function addressBytes(value: bigint, family: Family): Buffer {
  const digits = WIDTH[family] / 4;
  return Buffer.from(value.toString(16).padStart(digits, '0'), 'hex');
}
