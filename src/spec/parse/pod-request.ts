import { resolve } from 'node:path';
import { FosterError } from '../../sys/errors.js';
import { parseName } from '../names.js';
import type { RunRequest, SharedNamespace } from '../request.js';
import { flagError } from './flag.js';
import { parseShare, USUALLY_SHARED } from './pod.js';
import { type MountFlag, type RunContext, type RunFlags, toRequest } from './run-request.js';

/** The options of `foster pod create`: those of `run` that make sense for a pod, and its own. */
export interface PodFlags extends RunFlags {
  share?: string;
  shareParent?: boolean;
  infra?: boolean;
  infraName?: string;
  exitPolicy?: string;
}

/** What happens to a pod when its last container has ended. */
export type ExitPolicy = 'continue' | 'stop';

/** A request for `foster pod create`, checked. */
export interface PodRequest {
  name: string | undefined;
  /** Remove the pod that has the name first. */
  replace: boolean;
  /** Absolute path of a file to write the id to. */
  podIdFile: string | undefined;
  labels: Record<string, string>;
  shares: SharedNamespace[];
  /** Whether the cgroups of its containers are in one of its own, if they have any. */
  hasCgroup: boolean;
  hasInfra: boolean;
  infraName: string | undefined;
  exitPolicy: ExitPolicy;
  /** The name of a pod that is started when this one has done its work. */
  next?: string;
  /** It is one of a Job's, whose first one has this id; undefined if it is that. */
  job?: { first: string | undefined };
  /** Of the container that holds the namespaces: everything about networks, users, limits and mounts. */
  infra: RunRequest;
}

/** Options of networks, which need one that is shared. */
const OF_NETWORK = {
  network: '--network',
  publish: '--publish',
  ip: '--ip',
  ip6: '--ip6',
  macAddress: '--mac-address',
  networkAlias: '--network-alias',
  dns: '--dns',
  dnsSearch: '--dns-search',
  dnsOption: '--dns-option',
  addHost: '--add-host',
} as const satisfies Partial<Record<keyof PodFlags, string>>;

/**
 * Converts the options of `foster pod create` to a request.
 * @throws FosterError
 */
export function toPodRequest(
  name: string | undefined,
  flags: PodFlags,
  mounts: MountFlag[],
  context: RunContext,
): PodRequest {
  const { share, shareParent, infra = true, infraName, exitPolicy = 'continue', podIdFile, ...rest } = flags;
  const { name: named, replace = false, ...others } = rest;
  if (name !== undefined && named !== undefined && name !== named)
    throw new FosterError(`the pod cannot have two names, ${name} and ${named}`, { kind: 'invalid' });
  const wanted = name ?? named;
  if (replace && wanted === undefined) throw new FosterError('--replace needs a name', { kind: 'invalid' });
  if (exitPolicy !== 'continue' && exitPolicy !== 'stop')
    throw flagError('--exit-policy', exitPolicy, 'expected continue or stop');
  const shares = share === undefined ? [...USUALLY_SHARED] : parseShare(share);
  if (!infra) checkWithoutInfra(flags, mounts);
  const isGiven = (key: keyof typeof OF_NETWORK) => flags[key] !== undefined;
  const needless = (Object.keys(OF_NETWORK) as (keyof typeof OF_NETWORK)[]).find(isGiven);
  if (infra && needless !== undefined && !shares.includes('net'))
    throw new FosterError(`${OF_NETWORK[needless]} needs --share net`, {
      kind: 'invalid',
      advice: 'each container of the pod has a network of its own: give it to foster run --pod',
    });
  if (flags.hostname !== undefined && !shares.includes('uts'))
    throw new FosterError('--hostname needs --share uts', {
      kind: 'invalid',
      advice: 'each container of the pod has a host name of its own: give it to foster run --pod',
    });
  return {
    name: wanted === undefined ? undefined : parseName(wanted),
    replace,
    podIdFile: podIdFile === undefined ? undefined : resolve(context.cwd, podIdFile),
    shares: infra ? shares : [],
    hasCgroup: shareParent ?? true,
    hasInfra: infra,
    infraName: infraName === undefined ? undefined : parseName(infraName),
    exitPolicy,
    ...infraRequest(others, mounts, context),
  };
}

function infraRequest(
  flags: RunFlags,
  mounts: MountFlag[],
  context: RunContext,
): Pick<PodRequest, 'infra' | 'labels'> {
  const infra = toRequest('pod', [], { ...flags, logDriver: 'none' }, mounts, context);
  const anonymous = infra.mounts.find(({ type, source }) => type === 'volume' && source === '');
  if (anonymous !== undefined)
    throw flagError('--volume', anonymous.destination, 'a volume of a pod needs a name: NAME:DST');
  return { labels: infra.labels, infra: { ...infra, labels: {} } };
}

/** Nothing holds what the options are about. @throws FosterError */
function checkWithoutInfra(flags: PodFlags, mounts: MountFlag[]): void {
  const {
    infra: _,
    shareParent,
    name,
    replace,
    podIdFile,
    label,
    labelFile,
    exitPolicy,
    restart,
    hosts,
    ...others
  } = flags;
  const given = [
    ...Object.keys(others).filter((key) => !key.includes('=')),
    ...(hosts === false ? ['no-hosts'] : []),
    ...(mounts.length > 0 ? ['volume'] : []),
  ];
  const [first] = given;
  if (first === undefined) return;
  const flag = `--${first.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new FosterError(`${flag} and --infra=false cannot be used together`, {
    kind: 'invalid',
    advice: 'without an infra container, the containers of a pod share nothing',
  });
}
