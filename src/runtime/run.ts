import { readFileSync } from 'node:fs';
import { FosterError } from '../errors.js';
import { prepareRoot } from '../image/root.js';
import { containerFolder, liveFolder } from '../paths.js';
import { buildPlan } from '../plan/build.js';
import type { PlanFacts, PlanOptions } from '../plan/facts.js';
import type { Plan } from '../plan/step.js';
import { buildSpec, hostnameOf } from '../spec/from-request.js';
import { randomId } from '../spec/names.js';
import type { RunRequest } from '../spec/request.js';
import type { Seccomp, Spec } from '../spec/types.js';
import { resolveUser } from '../spec/users.js';
import { holdSignals } from '../sys/clone.js';
import { type ChosenMaps, chooseIdMaps } from '../sys/id-maps.js';
import { processStart } from '../sys/process.js';
import { createContainer, dropIdFile } from './create.js';
import { bindDirectories, kernelPaths, networkFiles } from './facts.js';
import { writeWhole } from './files.js';
import { abandon, type Launched, launch } from './launch.js';
import { becomeMonitor } from './monitor.js';
import { mapsOf, pathsOf, removeHeld } from './remove.js';
import { RootFiles } from './root-files.js';
import { type ContainerRecord, findContainer } from './store.js';

/** How `foster run` tells the person something meanwhile: a line of text. */
export interface Voice {
  warn(sentence: string): void;
  explain(line: string): void;
  print(text: string): void;
}

/**
 * Runs a container in the foreground: on success this process becomes its monitor, so that this function does not
 * return; a dry run returns the exit code.
 * @throws FosterError with nothing left behind
 */
export async function runContainer(request: RunRequest, voice: Voice): Promise<number> {
  const joined = joinTarget(request);
  const maps =
    joined === undefined ? chooseIdMaps(request.userns, uid(), gid()) : mapsOfJoined(joined.record);
  if (maps.isSingle) voice.warn(singleIdWarning());
  const tree = await prepareRoot(request.root, {
    maps,
    ...(request.maxUnpackedSize === undefined ? {} : { maxUnpackedSize: request.maxUnpackedSize }),
  });
  const id = randomId();
  const spec = await makeSpec(request, id, tree.path, maps);
  const plan = makePlan(request, spec, id, maps, joined);
  if (request.dryRun) {
    const { planText } = await import('./explain.js');
    voice.print(planText(plan));
    return 0;
  }
  const witness = request.explain ? (await import('./explain.js')).explainer(plan, voice.explain) : undefined;

  holdSignals();
  const draft = draftRecord(request, spec, id, maps);
  const creation = { name: request.name, isCallerMapped: maps.isCallerMapped, cidfile: request.cidfile };
  const { record, lock } = createContainer(draft, creation);
  let launched: Launched | undefined;
  try {
    launched = launch(plan, { stdin: request.interactive, join: joined?.state.pid, witness });
    noteStart(record, launched);
    becomeMonitor(launched, {
      plan,
      id,
      interactive: request.interactive,
      remove: record.rm ? pathsOf(record) : [],
      lock,
    });
  } catch (error) {
    if (launched !== undefined) abandon(launched);
    removeHeld(record, lock);
    dropIdFile(request.cidfile);
    throw error;
  }
}

type Joined = ReturnType<typeof findContainer>;

function joinTarget(request: RunRequest): Joined | undefined {
  if (request.pid.kind !== 'container') return undefined;
  const { reference } = request.pid;
  const container = findContainer(reference);
  if (container.state.status === 'running') return container;
  throw new FosterError(`cannot join the PID namespace of container ${reference}: it is not running`);
}

/** The user namespace comes with the PID namespace, so its maps are those of the other container. */
function mapsOfJoined(record: ContainerRecord): ChosenMaps {
  const maps = mapsOf(record) ?? { uid: [], gid: [], helpers: false };
  const isMapped =
    maps.uid.length === 0 || maps.uid.some(({ hostID, size }) => uid() >= hostID && uid() < hostID + size);
  return { ...maps, isSingle: false, isCallerMapped: isMapped };
}

function uid(): number {
  return process.getuid?.() ?? 0;
}

function gid(): number {
  return process.getgid?.() ?? 0;
}

function singleIdWarning(): string {
  return (
    'you have no range of user ids in /etc/subuid and /etc/subgid, so the container has one user and one group only; ' +
    'for more, as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER'
  );
}

async function makeSpec(request: RunRequest, id: string, rootPath: string, maps: ChosenMaps): Promise<Spec> {
  const root = new RootFiles(rootPath);
  try {
    return buildSpec(request, {
      id,
      rootPath,
      user: resolveUser(request.user, root.read('/etc/passwd'), root.read('/etc/group')),
      uidMappings: maps.uid,
      gidMappings: maps.gid,
      architecture: process.arch,
      callerIsRoot: uid() === 0,
      term: process.env.TERM,
      seccompProfile: await readProfile(request),
    });
  } finally {
    root.close();
  }
}

async function readProfile(request: RunRequest): Promise<Seccomp | undefined> {
  if (typeof request.seccomp === 'string') return undefined;
  const { file } = request.seccomp;
  const { parseSeccompProfile } = await import('../spec/seccomp-file.js');
  return parseSeccompProfile(readFileSync(file, 'utf8'), file, {
    architecture: process.arch,
    capabilities: request.capabilities,
  });
}

function makePlan(
  request: RunRequest,
  spec: Spec,
  id: string,
  maps: ChosenMaps,
  joined: Joined | undefined,
): Plan {
  const root = new RootFiles(spec.root.path);
  try {
    const { network, dns, addHosts } = request;
    const facts: PlanFacts = {
      storage: { tree: spec.root.path, container: containerFolder(id) },
      canSetGroups: !maps.isSingle,
      usesMapHelpers: maps.helpers,
      isCallerMapped: maps.isCallerMapped,
      files: networkFiles({ hostname: hostnameOf(request, id), network, dns, addHosts }, spec, root),
      directories: bindDirectories(spec),
      kernelPaths: kernelPaths(spec),
      ...(joined === undefined ? {} : { join: { pid: joined.state.pid, name: joined.record.name } }),
    };
    return buildPlan(spec, facts, planOptions(request));
  } finally {
    root.close();
  }
}

function planOptions(request: RunRequest): PlanOptions {
  return {
    shim: request.init,
    verbose: request.initVerbose,
    signalGroup: request.initSignalGroup,
    graceMs: request.stopTimeout * 1000,
  };
}

function draftRecord(
  request: RunRequest,
  spec: Spec,
  id: string,
  maps: ChosenMaps,
): Omit<ContainerRecord, 'name'> {
  return {
    version: 1,
    id,
    created: new Date().toISOString(),
    root: request.root,
    command: spec.process.args,
    labels: request.labels,
    rm: request.rm,
    init: request.init,
    stopSignal: request.stopSignal,
    stopTimeout: request.stopTimeout,
    usesMapHelpers: maps.helpers,
    spec,
  };
}

/** Written before the user's program starts, so that whoever sees the program can also find its container. */
function noteStart(record: ContainerRecord, { pid }: Launched): void {
  const live = {
    pid,
    pidStart: processStart(pid) ?? '',
    monitor: process.pid,
    startedAt: new Date().toISOString(),
  };
  writeWhole(`${liveFolder(record.id)}/live.json`, JSON.stringify(live), { durable: false });
}
