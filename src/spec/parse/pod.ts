import { FosterError } from '../../sys/errors.js';
import type { InitContainer, SharedNamespace, WantedPod } from '../request.js';
import type { NamespaceType } from '../types.js';
import { flagError } from './flag.js';
import { type FileContext, readFlagFile } from './flag-file.js';

/** Options about pods of `foster run`, and what both those and `foster pod create` have. */

export interface InPodFlags {
  pod?: string;
  podIdFile?: string;
  initCtr?: string;
  network?: string[];
  pid?: string;
  ipc?: string;
  uts?: string;
  cgroupns?: string;
}

/** The pod that a container shall be in; undefined for none. @throws FosterError */
export function wantedPod(flags: InPodFlags, context: FileContext): WantedPod | undefined {
  const { podIdFile, initCtr } = flags;
  if (podIdFile !== undefined && flags.pod !== undefined)
    throw new FosterError('--pod and --pod-id-file cannot be used together', { kind: 'invalid' });
  const pod =
    podIdFile === undefined
      ? flags.pod
      : readFlagFile('--pod-id-file', podIdFile, context).split('\n')[0]?.trim();
  if (pod === undefined) {
    if (initCtr !== undefined) throw new FosterError('--init-ctr needs --pod', { kind: 'invalid' });
    return undefined;
  }
  if (pod === '') throw flagError('--pod', pod, 'expected the name of a pod, or new:NAME');
  const given: Record<SharedNamespace, unknown> = {
    cgroup: flags.cgroupns,
    ipc: flags.ipc,
    net: flags.network,
    pid: flags.pid,
    uts: flags.uts,
  };
  const apart = NAMESPACES.filter((name) => given[name] !== undefined);
  return {
    reference: pod,
    apart,
    ...(initCtr !== undefined && { initContainer: parseInitContainer(initCtr) }),
  };
}

function parseInitContainer(value: string): InitContainer {
  if (value === 'always' || value === 'once' || value === 'sidecar') return value;
  throw flagError('--init-ctr', value, 'expected always, once or sidecar');
}

const NAMESPACES: readonly SharedNamespace[] = ['cgroup', 'ipc', 'net', 'pid', 'uts'];

/** Podman's. */
export const USUALLY_SHARED: readonly SharedNamespace[] = ['ipc', 'net', 'uts'];

/** Parses `--share`: names, `none`, or names to add to the usual ones, with a `+` before the first. @throws FosterError */
export function parseShare(value: string): SharedNamespace[] {
  const words = value
    .replace(/^\+/, '')
    .split(',')
    .filter((word) => word !== '' && word !== 'none');
  const wrong = words.find((word) => !NAMESPACES.some((name) => name === word));
  if (wrong !== undefined)
    throw flagError(
      '--share',
      value,
      `expected none, or some of ${NAMESPACES.join(', ')}; the users are always shared`,
    );
  const wanted = new Set([...(value.startsWith('+') ? USUALLY_SHARED : []), ...words]);
  return NAMESPACES.filter((name) => wanted.has(name));
}

/** The name of a namespace in the OCI runtime-spec. */
export function namespaceType(name: SharedNamespace): NamespaceType {
  return name === 'net' ? 'network' : name;
}
