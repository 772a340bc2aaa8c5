import { namespaceObstacle, type Obstacle } from '../../init/namespace-obstacle.js';
import { HIDDEN_KERNEL_FILES } from '../../plan/mounts.js';
import { appArmorProfile } from '../apparmor.js';
import { defineCheck, type Failure, type Finding, type Mend } from '../check.js';
import { failureOf, mendOf } from '../failure.js';
import { mapsOfContainers } from '../id-maps.js';
import type { NamespaceTrial } from '../namespace-trial.js';
import { textOf } from '../read.js';

interface NamespaceFacts {
  /** How many user ids a container has. */
  ids: number;
  /** user.max_user_namespaces, if it can be read. */
  maximum?: number;
  /** What could be done in a user namespace with the ids of a container. */
  trial?: NamespaceTrial;
  /** Why there was none. */
  failure?: Failure;
  obstacle?: Obstacle;
  /** The programs that a profile of AppArmor would be for. */
  programs: string[];
}

/** Each container, each process of foster exec with its own, and each helper takes one. */
const FEW = 100;

export const USER_NAMESPACES = defineCheck<NamespaceFacts>({
  name: 'user-namespaces',
  group: 'trials',
  async probe() {
    const { tryNamespaces } = await import('../namespace-trial.js');
    const maps = mapsOfContainers();
    const text = await textOf('/proc/sys/user/max_user_namespaces');
    const facts: NamespaceFacts = {
      ids: maps.uid.reduce((sum, { size }) => sum + size, 0),
      programs: [process.execPath, `${__dirname}/${process.arch}/foster`],
      ...(text !== '' && { maximum: Number(text) }),
    };
    try {
      const trial = await tryNamespaces(maps);
      const errno = Object.values(trial).find((each) => each !== undefined && each !== '');
      return withObstacle({ ...facts, trial }, errno);
    } catch (error) {
      const failure = failureOf(error);
      return withObstacle({ ...facts, failure }, failure.errno);
    }
  },
  judge: judgeNamespaces,
});

function withObstacle(facts: NamespaceFacts, errno: string | undefined): NamespaceFacts {
  const obstacle = errno === undefined ? undefined : namespaceObstacle(errno);
  return obstacle === undefined ? facts : { ...facts, obstacle };
}

function judgeNamespaces({ ids, maximum, trial, failure, obstacle, programs }: NamespaceFacts): Finding {
  const refused = Object.entries(trial ?? {}).filter(([, errno]) => errno !== '');
  if (failure === undefined && refused.length === 0) {
    const found = `can be made, with ${ids} ${ids === 1 ? 'id' : 'ids'}`;
    if (maximum === undefined || maximum >= FEW) return { level: 'ok', found };
    return {
      level: 'warn',
      found: `${found}, but at most ${maximum} of them`,
      means: 'Each container needs one or two: more of them cannot start.',
      mend: [{ who: 'root', command: 'sysctl -w user.max_user_namespaces=15000' }],
    };
  }
  const what =
    failure?.message ??
    `in a user namespace, ${refused.map(([name, errno]) => `${name} cannot be made (${errno})`).join(', ')}`;
  return {
    level: 'fail',
    found: obstacle === undefined ? what : `${what}: ${obstacle.because}`,
    means: 'No container can run.',
    mend: obstacle === undefined ? unknownObstacle(failure, trial) : mendObstacle(obstacle, programs),
  };
}

function unknownObstacle(failure: Failure | undefined, trial: NamespaceTrial | undefined): Mend[] {
  if (trial?.['a new /proc']) return [mendOf(HIDDEN_KERNEL_FILES)];
  return [mendOf(failure?.advice ?? 'look at dmesg and at /proc/sys/user, which may say what forbids it')];
}

function mendObstacle({ command, advice, wantsProfile }: Obstacle, programs: string[]): Mend[] {
  // the profile first: it leaves the restriction as it is for all other programs
  if (wantsProfile === true && command !== undefined)
    return [
      { who: 'root', command: appArmorProfile(programs) },
      { who: 'root', advice: `or, for all programs of this machine: ${command}` },
    ];
  return [
    ...(command === undefined ? [] : [{ who: 'root', command } as const]),
    ...(advice === undefined ? [] : [mendOf(advice)]),
  ];
}
