import type { Member } from './member.js';

/** Writes tar headers: ustar, and pax where its fields are too small (POSIX, "pax"). */

const BLOCK = 512;

/** Two blocks of zeros. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** The padding after a member's data. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

const FLAGS: Readonly<Record<Exclude<Member['type'], 'device'>, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  directory: '5',
  fifo: '6',
};

const NAME_SIZE = 100;
const MAX_ID = 0o7777777;
const MAX_SIZE = 0o77777777777;

/** The header of a member. Names have one character for each byte. */
export function tarHeader(member: Member): Buffer {
  const { name, target, uid, gid, size, mtime } = member;
  const isPlainTime = Number.isInteger(mtime) && mtime >= 0 && mtime <= MAX_SIZE;
  const records = [
    ...(name.length > NAME_SIZE ? [paxRecord('path', name)] : []),
    ...(target.length > NAME_SIZE ? [paxRecord('linkpath', target)] : []),
    ...(uid > MAX_ID ? [paxRecord('uid', String(uid))] : []),
    ...(gid > MAX_ID ? [paxRecord('gid', String(gid))] : []),
    ...(size > MAX_SIZE ? [paxRecord('size', String(size))] : []),
    ...(isPlainTime ? [] : [paxRecord('mtime', mtime.toFixed(9))]),
    ...[...member.xattrs].map(([key, value]) => paxRecord(`SCHILY.xattr.${key}`, value)),
  ];
  const plain = block(member, FLAGS[member.type as keyof typeof FLAGS]);
  if (records.length === 0) return plain;
  const content = Buffer.from(records.join(''), 'latin1');
  const extension = { ...member, name: 'PaxHeaders/foster', target: '', mode: 0o644, size: content.length };
  return Buffer.concat([block(extension, 'x'), content, tarPadding(content.length), plain]);
}

/** `LENGTH KEY=VALUE\n`, where LENGTH is that of the whole record. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function block({ name, target, mode, uid, gid, size, mtime }: Member, flag: string): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number, most: number) => {
    const number = Math.min(Math.max(Math.floor(value), 0), most);
    header.write(number.toString(8).padStart(digits, '0'), at, 'latin1');
  };
  header.write(name.slice(0, NAME_SIZE), 0, 'latin1');
  octal(mode, 100, 7, 0o7777);
  octal(uid, 108, 7, MAX_ID);
  octal(gid, 116, 7, MAX_ID);
  octal(size, 124, 11, MAX_SIZE);
  octal(mtime, 136, 11, MAX_SIZE);
  header.write('        ', 148, 'latin1'); // the checksum field counts as spaces
  header.write(flag, 156, 'latin1');
  header.write(target.slice(0, NAME_SIZE), 157, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
    0o777777,
  );
  header.write('\0 ', 154, 'latin1');
  return header;
}
