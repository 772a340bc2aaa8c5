import { realpath, stat } from 'node:fs/promises';
import { subordinateRanges } from '../../spec/id-ranges.js';
import { callerName } from '../../sys/caller-name.js';
import { getExtendedAttribute } from '../../sys/libc.js';
import { installCommand } from '../../sys/packages.js';
import { defineCheck, type Finding, type Mend } from '../check.js';
import { mountOf, programPath, textOf } from '../read.js';
import { shellWord } from '../shell-word.js';

/** newuidmap(1) or newgidmap(1), which write the id maps of ranges of ids. */
interface HelperFacts {
  name: 'newuidmap' | 'newgidmap';
  /** undefined if it is not installed */
  path?: string;
  owner?: number;
  hasSetUserId?: boolean;
  /** Whether it has the file capability that it needs: capabilities(7). */
  hasCapability?: boolean;
  /** Where it is mounted, if programs there gain no privileges. */
  withoutPrivileges?: string;
}

interface Facts {
  /** Whether containers of this user get ranges. */
  isNeeded: boolean;
  helpers: HelperFacts[];
  install: string;
}

/** The numbers of CAP_SETUID and CAP_SETGID. */
const CAPABILITY = { newuidmap: 7, newgidmap: 6 } as const;

export const ID_HELPERS = defineCheck<Facts>({
  name: 'id-helpers',
  group: 'reads',
  async probe() {
    const uid = process.getuid?.() ?? 0;
    const { uid: ranges } = subordinateRanges(callerName(), uid);
    return {
      isNeeded: uid !== 0 && ranges.length > 0,
      helpers: await Promise.all((['newuidmap', 'newgidmap'] as const).map(probeHelper)),
      install: installCommand('newuidmap'),
    };
  },
  judge: judgeHelpers,
});

async function probeHelper(name: HelperFacts['name']): Promise<HelperFacts> {
  const path = await programPath(name);
  if (path === undefined) return { name };
  const { uid, mode } = await stat(path);
  const real = await realpath(path);
  const mount = mountOf(real, await textOf('/proc/self/mountinfo', 'latin1'));
  const withoutPrivileges = mount?.options.includes('nosuid') ? mount.folder : undefined;
  return {
    name,
    path,
    owner: uid,
    hasSetUserId: (mode & 0o4000) !== 0,
    hasCapability: hasCapability(
      getExtendedAttribute(Buffer.from(real), 'security.capability'),
      CAPABILITY[name],
    ),
    ...(withoutPrivileges !== undefined && { withoutPrivileges }),
  };
}

/** @param attribute struct vfs_cap_data: five numbers, the second of which has the permitted capabilities 0 to 31 */
function hasCapability(attribute: Buffer | undefined, number: number): boolean {
  return (
    attribute !== undefined && attribute.length >= 8 && ((attribute.readUInt32LE(4) >> number) & 1) === 1
  );
}

function judgeHelpers({ isNeeded, helpers, install }: Facts): Finding {
  const missing = helpers.filter(({ path }) => path === undefined);
  const means = 'No container can run: they map the ids of /etc/subuid and /etc/subgid.';
  const level = isNeeded ? 'fail' : 'ok';
  if (missing.length > 0) {
    const found = `${missing.map(({ name }) => name).join(' and ')} not installed`;
    if (!isNeeded) return { level, found: `${found}; not needed without a range of ids` };
    return { level, found, means, mend: [{ who: 'root', command: install }] };
  }
  const faults = helpers.flatMap(faultOf);
  if (faults.length === 0 || !isNeeded) {
    const how = helpers.every(({ hasSetUserId }) => hasSetUserId)
      ? 'set-user-ID root'
      : 'with file capabilities';
    return {
      level: 'ok',
      found: faults.length > 0 ? 'not needed by root' : `newuidmap and newgidmap are ${how}`,
    };
  }
  return {
    level,
    found: faults.map(({ found }) => found).join('; '),
    means,
    mend: faults.map(({ mend }) => mend),
  };
}

function faultOf({ name, path = name, owner, hasSetUserId, hasCapability, withoutPrivileges }: HelperFacts): {
  found: string;
  mend: Mend;
}[] {
  if (withoutPrivileges !== undefined)
    return [
      {
        found: `${path} gains no privileges: ${withoutPrivileges} is mounted with nosuid`,
        mend: { who: 'root', command: `mount -o remount,bind,suid ${shellWord(withoutPrivileges)}` },
      },
    ];
  if (hasCapability === true || (hasSetUserId === true && owner === 0)) return [];
  const command = `${owner === 0 ? '' : `chown root: ${shellWord(path)} && `}chmod u+s ${shellWord(path)}`;
  const found =
    owner === 0 ? `${path} is not set-user-ID root` : `${path} belongs to user ${owner}, not to root`;
  return [{ found, mend: { who: 'root', command } }];
}
