import { memberBlocks, oldSparse, sign, type TestMember } from './tar.js';

/** Archives with random changes, reproducible for each seed, and corrected checksums. */

export type Random = (limit: number) => number;

/** FUZZ_SEED, or one from the current time; print it if a test fails. */
export function fuzzSeed(): number {
  const given = process.env.FUZZ_SEED;
  return given === undefined ? Date.now() % 1_000_000_007 : Number(given);
}

/** How many rounds: `usual` times FUZZ_FACTOR. */
export function fuzzRounds(usual: number): number {
  return Math.round(usual * Number(process.env.FUZZ_FACTOR ?? 1));
}

/** Seeds for `usual` rounds or, with FUZZ_SECONDS, for as many as fit into that time. */
export function* fuzzSeeds(usual: number): Generator<number> {
  const first = fuzzSeed();
  const seconds = process.env.FUZZ_SECONDS;
  const end = performance.now() + Number(seconds ?? 0) * 1000;
  const rounds = fuzzRounds(usual);
  let round = 0;
  while (seconds === undefined ? round < rounds : performance.now() < end) yield first + round++;
  if (seconds !== undefined) console.log(`${round} rounds from FUZZ_SEED=${first}`);
}

/** Whole numbers from 0 up to below `limit`: xorshift of 32 bits. */
export function randomFrom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

const BLOCK = 512;

/** The target of links that leave the tree. No member has this name, so it must not appear in the tree either. */
export const ESCAPED = 'foster-escaped';

const member = (value: TestMember) => memberBlocks(value);
const record = (attributes: Record<string, string>): [string, string][] =>
  Object.entries(attributes).map(([key, value]) => [`GNU.sparse.${key}`, value]);

/** All kinds of members that occur in layers. */
const UNITS: Buffer[] = [
  member({ name: './', type: '5', mode: 0o755 }),
  member({ name: 'dir/', type: '5', mode: 0o755 }),
  member({ name: 'dir/file', content: 'x'.repeat(700) }),
  member({ name: 'dir/sub/deep/file', content: 'y' }),
  member({ name: 'link', type: '2', target: 'dir' }),
  member({ name: 'up', type: '2', target: '../dir' }),
  member({ name: 'dir/top', type: '2', target: '..' }),
  member({ name: 'out', type: '2', target: `/${ESCAPED}` }),
  member({ name: 'far', type: '2', target: `../../../../../../${ESCAPED}` }),
  member({ name: 'link/through', content: 'z' }),
  member({ name: 'hard', type: '1', target: 'dir/file' }),
  member({ name: 'hard-link', type: '1', target: 'link' }),
  member({ name: 'fifo', type: '6' }),
  member({ name: 'dev/null', type: '3' }),
  member({ name: '.wh.gone' }),
  member({ name: 'dir/.wh.file' }),
  member({ name: 'dir/.wh..wh..opq' }),
  member({ name: '.wh..wh..plnk' }),
  member({ name: 'set', mode: 0o6755, uid: 33, gid: 44, content: 's' }),
  member({ name: 'x', pax: { path: `${'long/'.repeat(30)}name`, mtime: '1.5', 'SCHILY.xattr.user.a': 'b' } }),
  member({ name: 'y', pax: { path: 'l', linkpath: 'dir/file', uid: '5' }, type: '2' }),
  member({ name: 'z', pax: { 'LIBARCHIVE.xattr.user.b': 'AAAA', size: '3' }, content: 'abc' }),
  member({ name: 'g', type: 'g', content: '13 mtime=100\n' }),
  Buffer.concat([
    member({ name: 'L', type: 'L', content: 'gnu/name\0' }),
    member({ name: 'short', content: 'q' }),
  ]),
  Buffer.concat([member({ name: 'K', type: 'K', content: 'dir/file\0' }), member({ name: 'k', type: '1' })]),
  oldSparse(
    'sparse',
    5000,
    [
      [1000, 4],
      [4000, 2],
      [5000, 0],
    ],
    'abcdef',
  ),
  oldSparse(
    'sparse-more',
    5000,
    Array.from({ length: 30 }, (_, i) => [i * 100, 1] as const),
    'p'.repeat(30),
  ),
  member({
    name: 's0',
    pax: record({ size: '3000', map: '1000,3,2000,1', name: 'dir/s0' }),
    content: 'abcd',
  }),
  member({
    name: 's1',
    pax: record({ major: '1', minor: '0', realsize: '3000', name: 's1' }),
    content: `${'2\n1000\n3\n2000\n1\n'.padEnd(BLOCK, '\0')}abcd`,
  }),
];

const NAMES = [
  '',
  '.',
  '..',
  '/',
  '//',
  './',
  '../',
  'dir',
  'dir/',
  'link',
  'link/',
  'link/x',
  'out/x',
  'far/x',
  'up/x',
  'dir/top/x',
  'dir/../x',
  '/outside/canary',
  '../outside/canary',
  'out/canary',
  '.wh.',
  '.wh...',
  '.wh..',
  '.wh.dir',
  '.wh.link',
  'link/.wh.x',
  'out/.wh.canary',
  '.wh.out',
  '.wh..wh..opq',
  'out/.wh..wh..opq',
  'link/.wh..wh..opq',
  'dir/.wh.a/b',
  'hard',
  'fifo',
  'fifo/x',
  'sparse',
  'x'.repeat(100),
  'a/'.repeat(50),
  '\xff\xfe',
  'a\nb',
  'dev/x',
  'dir/file/x',
];
const NUMBERS = [
  '00000000000',
  '77777777777',
  '00000000001',
  '00000001000',
  '37777777777',
  '00000100000',
  '-0000000001',
  '9',
  ' ',
  '',
  '\x80\0\0\0\0\0\0\0\0\0\x02\0',
  '\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff',
  '\xff'.repeat(12),
  '\x80\0\0\0\0\x1f\xff\xff\xff\xff\xff\xff',
];
/** Offset and width of the numbers in a header, including the old sparse format. */
const FIELDS: [number, number][] = [
  [100, 8],
  [108, 8],
  [116, 8],
  [124, 12],
  [136, 12],
  [386, 12],
  [398, 12],
  [410, 12],
  [482, 1],
  [483, 12],
];
const FLAGS = '\x00012345670SxgLK7VD';

function pick<T>(list: ArrayLike<T>, random: Random): T {
  return list[random(list.length)] as T;
}

function isHeader(archive: Buffer, at: number): boolean {
  return archive.toString('latin1', at + 257, at + 262) === 'ustar';
}

function write(archive: Buffer, at: number, width: number, text: string): void {
  const end = Math.min(at + width, archive.length);
  if (at >= end) return;
  archive.fill(0, at, end);
  Buffer.from(text, 'latin1').copy(archive, at, 0, Math.min(text.length, end - at));
}

function change(archive: Buffer, random: Random): void {
  const at = random(archive.length / BLOCK) * BLOCK;
  if (!isHeader(archive, at)) {
    archive[at + random(random(3) === 0 ? BLOCK : 40)] = random(4) === 0 ? random(256) : 0x30 + random(12);
    return;
  }
  switch (random(6)) {
    case 0:
      archive[at + random(BLOCK)] = random(256);
      return;
    case 1:
      write(archive, at, 100, pick(NAMES, random));
      return;
    case 2:
      write(archive, at + 157, 100, pick(NAMES, random));
      return;
    case 3:
      write(archive, at + 156, 1, pick(FLAGS, random));
      return;
    default: {
      const [field, width] = pick(FIELDS, random);
      write(archive, at + field, width, pick(NUMBERS, random));
    }
  }
}

/** A layer of some members in random order, with changes, most of which are too small to be refused immediately. */
export function randomLayer(random: Random): Buffer {
  const units = Array.from({ length: 1 + random(14) }, () => pick(UNITS, random));
  const archive = Buffer.concat([...units, Buffer.alloc(2 * BLOCK)]);
  for (let changes = random(4); changes > 0; changes--) change(archive, random);
  for (let at = 0; at < archive.length; at += BLOCK) if (isHeader(archive, at)) sign(archive, at);
  return random(10) === 0 ? archive.subarray(0, random(archive.length)) : archive;
}
