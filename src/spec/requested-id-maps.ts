import { callerName } from '../sys/caller-name.js';
import { FosterError } from '../sys/errors.js';
import { type ChosenMaps, checkedMap, chooseIdMaps, mapLines } from './choose-id-maps.js';
import { type IdMapping, isHostIdMapped, isIdMapped } from './id-maps.js';
import { type HostFiles, MACHINE, type Range, subordinateRanges } from './id-ranges.js';
import type { RunRequest } from './request.js';

/** All possible ids: user_namespaces(7). */
const ALL: Range[] = [{ start: 0, size: 2 ** 32 - 1 }];

/**
 * The id maps for a request: by the kind of its user namespace, or line by line.
 * @param uid the caller's uid; `gid` is the caller's gid
 * @throws FosterError if the caller does not have the ids
 */
export function requestedIdMaps(
  { userns, ids }: Pick<RunRequest, 'userns' | 'ids'>,
  uid: number,
  gid: number,
  files: HostFiles = MACHINE,
): ChosenMaps {
  const { keep, uid: users, gid: groups } = ids;
  if (users !== undefined && groups !== undefined) return writtenMaps({ users, groups }, { uid, gid }, files);
  if (keep === undefined) return chooseIdMaps(userns, uid, gid, files);
  if (uid === 0)
    throw new FosterError('--userns keep-id with ids is for users other than root', {
      kind: 'invalid',
      advice: 'use --userns keep-id and --user',
    });
  const ranges = subordinateRanges(callerName(), uid, files);
  const isSingle = ranges.uid.length === 0 || ranges.gid.length === 0;
  const own = isSingle ? { uid: [], gid: [] } : ranges;
  const lines = (caller: number, range: Range[], place = caller) =>
    isSingle ? [{ containerID: place, hostID: caller, size: 1 }] : mapLines('keep-id', caller, range, place);
  return {
    uid: checkedMap('user', lines(uid, own.uid, keep.uid)),
    gid: checkedMap('group', lines(gid, own.gid, keep.gid)),
    helpers: !isSingle,
    isSingle,
    isCallerMapped: true,
  };
}

function writtenMaps(
  { users, groups }: { users: IdMapping[]; groups: IdMapping[] },
  caller: { uid: number; gid: number },
  files: HostFiles,
): ChosenMaps {
  const isRoot = caller.uid === 0;
  const ranges = isRoot ? undefined : subordinateRanges(callerName(), caller.uid, files);
  const spaceOf = (kind: 'uid' | 'gid') =>
    ranges === undefined ? ALL : [{ start: caller[kind], size: 1 }, ...ranges[kind]];
  const uid = translated('--uidmap', users, spaceOf('uid'));
  const gid = translated('--gidmap', groups, spaceOf('gid'));
  return {
    uid: checkedMap('user', uid),
    gid: checkedMap('group', gid),
    helpers: !isRoot,
    isSingle: false,
    isCallerMapped: isHostIdMapped(caller.uid, uid) && isHostIdMapped(caller.gid, gid),
  };
}

/** Lines of a map whose host ids are positions in `space`, with the ids that are there. */
function translated(flag: string, map: IdMapping[], space: Range[]): IdMapping[] {
  if (!isIdMapped(0, map))
    throw new FosterError(`${flag}: the container needs an id 0, which sets it up`, {
      kind: 'invalid',
      advice: `add a line for it: ${flag} 0:0:1`,
    });
  for (const key of ['containerID', 'hostID'] as const) checkOverlap(flag, map, key);
  return map.flatMap((line) => pieces(flag, line, space));
}

function pieces(flag: string, { containerID, hostID, size }: IdMapping, space: Range[]): IdMapping[] {
  const found: IdMapping[] = [];
  let first = 0; // the position of the range in the space
  for (const range of space) {
    const from = Math.max(hostID, first);
    const until = Math.min(hostID + size, first + range.size);
    if (from < until)
      found.push({
        containerID: containerID + from - hostID,
        hostID: range.start + from - first,
        size: until - from,
      });
    first += range.size;
  }
  if (hostID + size <= first) return found;
  const kind = flag === '--uidmap' ? 'subuid' : 'subgid';
  throw new FosterError(
    `${flag} ${containerID}:${hostID}:${size}: you have ${first} ids, your own included`,
    {
      kind: 'invalid',
      advice: `a larger range in /etc/${kind} gives you more`,
    },
  );
}

function checkOverlap(flag: string, map: IdMapping[], key: 'containerID' | 'hostID'): void {
  const sorted = map.toSorted((one, other) => one[key] - other[key]);
  const isOverlapping = sorted.some((line, index) => {
    const before = sorted[index - 1];
    return before !== undefined && before[key] + before.size > line[key];
  });
  if (!isOverlapping) return;
  const whose = key === 'containerID' ? 'the container' : 'the host';
  throw new FosterError(`${flag}: two lines have the same ids of ${whose}`, { kind: 'invalid' });
}
