/** Writes tar archives byte by byte, including damaged and hostile ones. */

export interface TestMember {
  name: string | Buffer;
  /** One of POSIX's type flags; '0', a file, by default. */
  type?: string;
  target?: string | Buffer;
  content?: string | Buffer;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  /** The size in the header, if it is not the content's. */
  size?: number;
  /** Attributes of a pax extended header before it. */
  pax?: Record<string, string | Buffer> | [key: string, value: string][];
}

const BLOCK = 512;

/** An archive with its end marker. */
export function tar(...members: TestMember[]): Buffer {
  return Buffer.concat([...members.map(memberBlocks), Buffer.alloc(2 * BLOCK)]);
}

/** Header and data of one member. */
export function memberBlocks(member: TestMember): Buffer {
  const content = Buffer.from(member.content ?? '');
  const pax = member.pax === undefined ? Buffer.alloc(0) : paxBlocks(member.pax);
  return Buffer.concat([pax, header(member, content.length), padded(content)]);
}

function header(member: TestMember, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  Buffer.from(member.name).copy(block, 0, 0, 100);
  octal(member.mode ?? 0o644, 100, 8);
  octal(member.uid ?? 0, 108, 8);
  octal(member.gid ?? 0, 116, 8);
  octal(member.size ?? size, 124, 12);
  octal(member.mtime ?? 1_000_000_000, 136, 12);
  block.write(member.type ?? '0', 156, 'latin1');
  Buffer.from(member.target ?? '').copy(block, 157, 0, 100);
  block.write('ustar\x0000', 257, 'latin1');
  sign(block);
  return block;
}

/** Corrects a header's checksum. */
export function sign(block: Buffer, at = 0): void {
  block.fill(' ', at + 148, at + 156);
  let sum = 0;
  for (let i = at; i < at + BLOCK; i++) sum += block[i] ?? 0;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
}

function paxBlocks(attributes: Exclude<TestMember['pax'], undefined>): Buffer {
  const list = Array.isArray(attributes) ? attributes : Object.entries(attributes);
  const records = list.map(([key, value]) => paxRecord(key, Buffer.from(value)));
  return memberBlocks({ name: 'pax', type: 'x', content: Buffer.concat(records) });
}

function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

/** A sparse file in the format of GNU tar before pax: the map in the header and in blocks after it. */
export function oldSparse(
  name: string,
  realSize: number | string,
  map: (readonly [offset: number, size: number])[],
  content: string,
): Buffer {
  const blocks = memberBlocks({ name, type: 'S', content });
  const field = (value: number | string) =>
    typeof value === 'string' ? value : `${value.toString(8).padStart(11, '0')}\0`;
  const entries = (from: number, to: number) =>
    map
      .slice(from, to)
      .flatMap((pair) => pair.map(field))
      .join('');
  blocks.write('ustar  \0', 257, 'latin1');
  blocks.fill(0, 345, BLOCK);
  blocks.write(entries(0, 4), 386, 'latin1');
  blocks[482] = map.length > 4 ? 1 : 0;
  blocks.write(field(realSize), 483, 'latin1');
  sign(blocks);
  const extensions: Buffer[] = [];
  for (let from = 4; from < map.length; from += 21) {
    const block = Buffer.alloc(BLOCK);
    block.write(entries(from, from + 21), 'latin1');
    block[504] = map.length > from + 21 ? 1 : 0;
    extensions.push(block);
  }
  return Buffer.concat([blocks.subarray(0, BLOCK), ...extensions, blocks.subarray(BLOCK)]);
}
