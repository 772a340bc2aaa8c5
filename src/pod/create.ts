import { closeSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupPlan } from '../container/cgroups.js';
import { createContainer, dropIdFile, nameFor, writeIdFile } from '../container/create.js';
import type { Draft } from '../container/draft.js';
import { recordPodEvent } from '../container/events/recorder.js';
import { holdVolumes } from '../container/hold-volumes.js';
import { removeContainer } from '../container/remove.js';
import { idOfName, isStored, lockContainer, podOfName, readContainer } from '../container/store.js';
import { randomId } from '../spec/names.js';
import type { PodRequest } from '../spec/parse/pod-request.js';
import { EXIT, FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { writeFileAtomically } from '../sys/files.js';
import { lockPath, makeFolder, nameLink, podFolder } from '../sys/paths.js';
import { draftInfra, namespacesOfHost } from './infra.js';
import type { PodRecord } from './record.js';

/**
 * Creates a pod, and the container that holds its namespaces. Nothing is started.
 * @throws FosterError of the kind `conflict` if the name is in use
 */
export async function createPod(request: PodRequest): Promise<PodRecord> {
  const { replace, name: wanted, podIdFile } = request;
  if (replace && wanted !== undefined && podOfName(wanted) !== undefined)
    await (await import('./remove.js')).removePod(wanted, { force: true });
  const id = randomId();
  const lock = lockContainer(id, { wait: true, creates: true });
  if (lock === undefined) throw new Error('the lock of a new pod is taken');
  const folder = podFolder(id);
  let name: string | undefined;
  let hasIdFile = false;
  try {
    faultPoint('lock of the pod taken');
    makeFolder(folder);
    faultPoint('folder of the pod made');
    name = nameFor(wanted, id, 'pods');
    faultPoint('name of the pod taken');
    const record = await draftPod(request, id, name);
    if (podIdFile !== undefined) {
      writeIdFile(podIdFile, id);
      hasIdFile = true;
    }
    writeFileAtomically(join(folder, 'config.json'), JSON.stringify(record), { durable: true });
    faultPoint('record of the pod written');
    await ensureInfra(record);
    recordPodEvent('create', record);
    return record;
  } catch (error) {
    if (hasIdFile) dropIdFile(podIdFile);
    rmSync(join(folder, 'config.json'), { force: true });
    if (name !== undefined && podOfName(name) === id) rmSync(nameLink(name), { force: true });
    rmSync(folder, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(lockPath(id), { force: true });
    closeSync(lock);
  }
}

async function draftPod(request: PodRequest, id: string, name: string): Promise<PodRecord> {
  const { infra: run, shares, hasInfra, labels, exitPolicy, hasCgroup } = request;
  const { limits, restart, written, noNewPrivileges, seccomp, kernelPaths } = run;
  const hasLimits = Object.keys(limits.resources).length > 0 || limits.rates.length > 0;
  const isInCgroup = hasCgroup && (hasLimits || limits.cgroupParent !== undefined);
  const cgroup = isInCgroup ? `${limits.cgroupParent ?? ''}/foster-pod-${id}` : undefined;
  const infra = hasInfra ? await draftInfra(request, { id, name, cgroup }) : undefined;
  if (infra !== undefined) checkLimits(infra);
  return {
    version: 1,
    id,
    name,
    created: new Date().toISOString(),
    labels,
    shares,
    ofHost: namespacesOfHost(shares, run),
    ...(infra && { infra: { ...infra, name: request.infraName ?? `${id.slice(0, 12)}-infra` } }),
    exitPolicy,
    ...(request.next !== undefined && { next: request.next }),
    ...(request.job !== undefined && { job: request.job.first ?? id }),
    restart,
    ...(cgroup !== undefined && { cgroup }),
    ...(written.securityOpt.length > 0 && {
      security: { noNewPrivileges, seccomp, kernelPaths, written: written.securityOpt },
    }),
    ...(written.command && { command: written.command }),
  };
}

/** @throws FosterError if limits cannot be enforced, or only for each container alone */
function checkLimits(infra: Draft): void {
  if (!cgroupPlan(infra)?.places.some(({ unit }) => unit !== undefined)) return;
  throw new FosterError('a pod cannot have limits here: your systemd makes a scope for each container', {
    kind: 'unsupported',
    advice: 'give limits to the containers: foster run --pod NAME --memory SIZE',
    exitCode: EXIT.FOSTER,
  });
}

/**
 * Makes the container that holds the namespaces of a pod, if it is not there: because a command was killed, for example.
 * @throws FosterError
 */
export async function ensureInfra({ infra, restart }: PodRecord): Promise<void> {
  if (infra === undefined || readContainer(infra.id) !== undefined) return;
  const { name, ...draft } = infra;
  // what a command that was killed has left of it
  if (isStored(infra.id)) await removeContainer(infra.id, { force: false });
  if (idOfName(name) === infra.id) rmSync(nameLink(name), { force: true });
  const volumes = draft.volumes && (await holdVolumes(draft));
  try {
    const { lock } = createContainer(draft, {
      name,
      isCallerMapped: draft.isCallerMapped,
      cidfile: undefined,
      restart,
      fill: () => volumes?.adopt(),
    });
    closeSync(lock);
    faultPoint('infra container made');
  } catch (error) {
    volumes?.undo();
    throw error;
  } finally {
    volumes?.release();
  }
}
