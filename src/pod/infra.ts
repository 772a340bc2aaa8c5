import { hostname } from 'node:os';
import { join } from 'node:path';
import { blockDevices } from '../container/block-devices.js';
import { mountsOfVolumes } from '../container/choose-volumes.js';
import {
  type Draft,
  draftOf,
  mapsIn,
  singleIdWarning,
  volumesFor,
  withBorrowedMounts,
  withNetworks,
} from '../container/draft.js';
import { requestedMounts } from '../container/requested-mounts.js';
import { foreignRoot } from '../spec/choose-id-maps.js';
import { buildSpec } from '../spec/from-request.js';
import { randomId } from '../spec/names.js';
import { namespaceType } from '../spec/parse/pod.js';
import type { PodRequest } from '../spec/parse/pod-request.js';
import type { RunRequest, SharedNamespace } from '../spec/request.js';
import { requestedIdMaps } from '../spec/requested-id-maps.js';
import { SHM } from '../spec/shm.js';
import type { Mount, Namespace, Spec } from '../spec/types.js';
import { containerFolder } from '../sys/paths.js';
import { surroundings } from '../sys/surroundings.js';

/**
 * The container that holds the namespaces of a pod. It is like any other, with a monitor, networks, ports and a cgroup, but it has no
 * image and no program: foster-init is its PID 1, and nothing else is in it.
 */

/** Namespaces of the host that the containers of the pod share, because it was asked for. */
export function namespacesOfHost(
  shares: readonly SharedNamespace[],
  { network, pid, ipc, uts, cgroupns }: RunRequest,
): SharedNamespace[] {
  const modes: Record<SharedNamespace, string> = { net: network, pid: pid.kind, ipc, uts, cgroup: cgroupns };
  return shares.filter((name) => modes[name] === 'host');
}

/**
 * Drafts it.
 * @param pod what is known of the pod
 * @throws FosterError
 */
export async function draftInfra(
  { infra: asked, shares }: PodRequest,
  pod: { id: string; name: string; cgroup: string | undefined },
): Promise<Draft> {
  const ofHost = namespacesOfHost(shares, asked);
  const hasOwn = (name: SharedNamespace) => shares.includes(name) && !ofHost.includes(name);
  const request: RunRequest = {
    ...(await withBorrowedMounts(asked)),
    ...(!shares.includes('net') && { network: 'none', networks: [] }),
    // as in Podman: the name of the pod, unless the name is the host's
    hostname: asked.hostname ?? (hasOwn('uts') ? hostnameFor(pod.name) : undefined),
    pid: { kind: 'private' },
  };
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const maps = requestedIdMaps(request, uid, gid);
  if (maps.isSingle) surroundings().warn(singleIdWarning());
  const id = randomId();
  const volumes = await volumesFor(request, undefined);
  const shiftsIds = uid === 0 && foreignRoot(maps) !== undefined;
  const whole = buildSpec(request, {
    id,
    hostname: hostname(),
    rootPath: join(containerFolder(id), 'root'),
    volumes: mountsOfVolumes(volumes, request.mounts, { shiftsIds }),
    user: { uid: 0, gid: 0, additionalGids: [], home: '/', name: undefined },
    uidMappings: maps.uid,
    gidMappings: maps.gid,
    architecture: process.arch,
    callerIsRoot: uid === 0,
    shiftsIds,
    devices: blockDevices(request.limits.rates),
  });
  const spec = reduced(whole, { hasMemory: hasOwn('ipc'), cgroup: pod.cgroup, ofHost });
  const draft: Draft = {
    ...draftOf(request, id, spec, undefined),
    root: '',
    pod: pod.id,
    isInfra: true,
    driver: 'empty',
    ...(volumes.length > 0 && { volumes }),
    ...mapsIn(maps),
    ...(!shares.includes('net') && { isBelowNetworks: true as const }),
  };
  return await withNetworks(draft, request);
}

/** A host name has fewer characters than the name of a pod can have. */
function hostnameFor(name: string): string | undefined {
  const valid = name.replaceAll('_', '-').slice(0, 63);
  return /^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$/.test(valid) ? valid : undefined;
}

/** Without what only a program needs. Mounts of the person stay in the record, for the other containers of the pod. */
function reduced(
  spec: Spec,
  {
    hasMemory,
    cgroup,
    ofHost,
  }: { hasMemory: boolean; cgroup: string | undefined; ofHost: SharedNamespace[] },
): Spec {
  const hasParameters = Object.keys(spec.linux.sysctl).length > 0;
  const requested = new Set(requestedMounts({ spec }));
  const isKept = (mount: Mount) =>
    requested.has(mount) || (mount.source === SHM && hasMemory) || (mount.type === 'proc' && hasParameters);
  const { seccomp: _, cgroupsPath: __, ...linux } = spec.linux;
  const none = { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] };
  return {
    ...spec,
    process: { ...spec.process, args: [], env: [], capabilities: none },
    root: { ...spec.root, readonly: true },
    mounts: spec.mounts.filter(isKept),
    linux: {
      ...linux,
      namespaces: namespacesOf(spec, ofHost),
      ...(!hasParameters && { maskedPaths: [], readonlyPaths: [] }),
      ...(cgroup !== undefined && { cgroupsPath: cgroup }),
    },
  };
}

/** It has namespaces of its own also where its pod does not share them: it needs nothing of the host. */
function namespacesOf({ linux: { namespaces } }: Spec, ofHost: readonly SharedNamespace[]): Namespace[] {
  const types = new Set(namespaces.map(({ type }) => type));
  const others = (['uts', 'ipc', 'pid', 'network'] as const).filter(
    (type) => !types.has(type) && !ofHost.some((name) => namespaceType(name) === type),
  );
  return [...namespaces, ...others.map((type) => ({ type }))];
}
