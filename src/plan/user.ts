import type { Capabilities, User } from '../spec/types.js';
import { capabilityNumber } from '../sys/capabilities.js';
import { prctl } from './calls.js';
import type { PlanFacts } from './facts.js';
import { type Bytes, constant, type Step, step } from './step.js';

const PR_CAPBSET_DROP = 24;
const PR_SET_KEEPCAPS = 8;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const LAST_CAPABILITY = 40;

/** PID 1 waits for its id maps, and becomes root of its user namespace: user_namespaces(7). */
export function becomeRoot(facts: Pick<PlanFacts, 'canSetGroups'>): Step[] {
  return [
    ...(facts.canSetGroups ? [step("leave the caller's groups", 'setgroups', [0, null])] : []),
    step('become the root group of the user namespace', 'setresgid', [0, 0, 0]),
    step('become root of the user namespace', 'setresuid', [0, 0, 0]),
  ];
}

/** The user's process takes its user, groups and capabilities: credentials(7), capabilities(7). */
export function becomeUser(
  user: User,
  capabilities: Capabilities,
  facts: Pick<PlanFacts, 'canSetGroups'>,
): Step[] {
  const bounding = new Set(capabilities.bounding.map(capabilityNumber));
  const steps: Step[] = [];
  for (let capability = 0; capability <= LAST_CAPABILITY; capability++) {
    if (bounding.has(capability)) continue;
    const drop = prctl(
      'drop a capability that the container must not have',
      'PR_CAPBSET_DROP',
      PR_CAPBSET_DROP,
      capability,
      0,
      0,
      0,
    );
    steps.push({ ...drop, ignore: ['EINVAL'] }); // older kernels have fewer
  }
  steps.push(
    prctl(
      'clear the ambient capabilities',
      'PR_CAP_AMBIENT',
      PR_CAP_AMBIENT,
      constant('PR_CAP_AMBIENT_CLEAR_ALL', 4),
      0,
      0,
      0,
    ),
  );
  if (user.uid !== 0 && capabilities.permitted.length > 0) {
    steps.push(
      prctl('keep capabilities when changing the user', 'PR_SET_KEEPCAPS', PR_SET_KEEPCAPS, 1, 0, 0, 0),
    );
  }
  if (facts.canSetGroups && user.additionalGids.length > 0) {
    const list = Buffer.alloc(user.additionalGids.length * 4);
    for (const [index, gid] of user.additionalGids.entries()) list.writeUInt32LE(gid, index * 4);
    const groups: Bytes = { bytes: list, text: `[${user.additionalGids.join(', ')}]` };
    steps.push(step("join the user's groups", 'setgroups', [user.additionalGids.length, groups]));
  }
  if (user.gid !== 0) steps.push(become('group', 'setresgid', user.gid));
  if (user.uid !== 0) steps.push(become('user', 'setresuid', user.uid));
  steps.push(setCapabilities(capabilities));
  for (const name of capabilities.ambient) {
    const raise = constant('PR_CAP_AMBIENT_RAISE', 2);
    steps.push(
      prctl(
        'keep a capability for executed programs',
        'PR_CAP_AMBIENT',
        PR_CAP_AMBIENT,
        raise,
        capabilityNumber(name),
        0,
        0,
      ),
    );
  }
  return steps;
}

function become(kind: 'user' | 'group', call: string, id: number): Step {
  const file = kind === 'user' ? '/etc/subuid' : '/etc/subgid';
  return step(`become ${kind} ${id}`, call, [id, id, id], {
    advice: {
      EINVAL: `${kind} ${id} is not mapped in this container's user namespace; it needs a larger range in ${file}`,
    },
  });
}

function setCapabilities(capabilities: Capabilities): Step {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x20080522, 0); // _LINUX_CAPABILITY_VERSION_3
  const data = Buffer.alloc(24);
  const sets = [capabilities.effective, capabilities.permitted, capabilities.inheritable];
  for (const [index, names] of sets.entries()) {
    for (const number of names.map(capabilityNumber)) {
      const at = (number >= 32 ? 12 : 0) + index * 4;
      data.writeUInt32LE((data.readUInt32LE(at) | (1 << (number & 31))) >>> 0, at);
    }
  }
  const text = `{effective=${list(capabilities.effective)}, permitted=${list(capabilities.permitted)}, inheritable=${list(capabilities.inheritable)}}`;
  return step('keep only the capabilities of the container', 'capset', [
    { bytes: header, text: '{version=3}' },
    { bytes: data, text },
  ]);
}

function list(names: string[]): string {
  return names.length === 0 ? '0' : names.join('|');
}

/** prctl(2), PR_SET_NO_NEW_PRIVS. */
export function noNewPrivileges(): Step {
  return prctl(
    'keep setuid programs from gaining privileges',
    'PR_SET_NO_NEW_PRIVS',
    PR_SET_NO_NEW_PRIVS,
    1,
    0,
    0,
    0,
  );
}
