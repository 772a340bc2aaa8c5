import {
  addRangesCommand,
  MACHINE,
  type Range,
  type Ranges,
  subordinateRanges,
} from '../../spec/id-ranges.js';
import { callerName } from '../../sys/caller-name.js';
import { defineCheck, type Finding } from '../check.js';

interface RangeFacts {
  name: string;
  uid: number;
  own: Ranges;
  /** Those that other users have: lines of /etc/subuid and /etc/subgid. */
  shared: string[];
  /** What root would type. */
  command: string;
}

/** As many ids as useradd(8) gives, and as images make use of. */
const USUAL = 65_536;

export const ID_RANGES = defineCheck<RangeFacts>({
  name: 'id-ranges',
  group: 'reads',
  probe() {
    const [name, uid] = [callerName(), process.getuid?.() ?? 0];
    const own = subordinateRanges(name, uid);
    const shared = [
      ...sharedLines('/etc/subuid', name, uid, own.uid),
      ...sharedLines('/etc/subgid', name, uid, own.gid),
    ];
    return { name, uid, own, shared, command: addRangesCommand(name) };
  },
  judge: judgeRanges,
});

/** Lines of others that have ids of these ranges. */
function sharedLines(file: string, name: string, uid: number, own: readonly Range[]): string[] {
  return MACHINE.read(file)
    .split('\n')
    .filter((line) => {
      const [who, first, size] = line.split(':');
      if (who === name || who === String(uid)) return false;
      const [start, count] = [Number(first), Number(size)];
      return own.some((range) => start < range.start + range.size && range.start < start + count);
    })
    .map((line) => `${file}: ${line}`);
}

function judgeRanges({ name, uid, own, shared, command }: RangeFacts): Finding {
  if (uid === 0) return { level: 'ok', found: 'root has all ids of this machine' };
  const sum = (ranges: Range[]) => ranges.reduce((total, { size }) => total + size, 0);
  const [users, groups] = [sum(own.uid), sum(own.gid)];
  const mend = [{ who: 'root', command } as const];
  if (users === 0 || groups === 0) {
    const file = users > 0 ? '/etc/subgid' : groups > 0 ? '/etc/subuid' : '/etc/subuid and /etc/subgid';
    return {
      level: 'warn',
      found: `${name} has no range in ${file}`,
      means: 'A container has one user and one group only: many images, and package managers, need more.',
      mend,
    };
  }
  if (shared.length > 0) {
    return {
      level: 'warn',
      found: `others have ids of ${name}, too: ${shared.join(', ')}`,
      means: 'Their containers and yours can read, write and kill what belongs to each other.',
      mend: [{ who: 'root', advice: 'give each user ranges of their own in /etc/subuid and /etc/subgid' }],
    };
  }
  const found = `${name} has ${users} user ids and ${groups} group ids`;
  if (Math.min(users, groups) >= USUAL) return { level: 'ok', found };
  return {
    level: 'warn',
    found,
    means: `Images may have files of ids up to ${USUAL - 1}, which then belong to root, or cannot be unpacked.`,
    mend,
  };
}
