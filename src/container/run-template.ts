import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  encodeRefusal,
  encodeRunTemplate,
  type RunFacts,
  type RunKind,
  type TemplateFailure,
} from '../init/template.js';
import { encodeMonitor, encodePlan, type MonitorOptions } from '../init/wire.js';
import { namespaceFlags } from '../plan/namespaces.js';
import type { Plan } from '../plan/step.js';
import { NAME_WORDS } from '../spec/names.js';
import { encodeRestart } from '../spec/parse/restart.js';
import type { RunRequest } from '../spec/request.js';
import { writeFileAtomically } from '../sys/files.js';
import { dataFolder } from '../sys/paths.js';
import { type Sighting, sightings } from '../sys/sightings.js';
import { wire } from '../sys/wire-constants.js';
import { kindOfVolume } from '../volume/record.js';
import { readVolume } from '../volume/store.js';
import { timelessEvent } from './events/line.js';
import { attributesOf } from './events/recorder.js';
import { failuresFor, searchPath } from './exec-template.js';
import type { Attachment } from './network-draft.js';
import { type ConnectedPlan, connectedPlan } from './network-template.js';
import type { ContainerRecord, VolumeUse } from './record.js';
import type { RunWish } from './run-observer.js';

/** Where the templates of runs are: docs/state.md. */
export function templatesFolder(): string {
  return join(dataFolder(), 'templates');
}

/** How many there are at most; the front marks each that it uses with the time. */
const MOST = 64;

/** In the texts of a template, in place of what differs. */
const CODE = { name: String.fromCharCode(wire.CODE_NAME), command: String.fromCharCode(wire.CODE_COMMAND) };

/** What a run has done, and what its monitor gets. */
export interface DoneRun {
  request: RunRequest;
  record: ContainerRecord;
  plan: Plan;
  monitor: MonitorOptions;
  network: Attachment | undefined;
  kind: RunKind;
}

/**
 * Leaves what the front needs to do such a run without Node: src/init/front. Some runs are always Node's, and then it leaves
 * word of that. If leaving fails, the next one is done by Node, too.
 */
export function keepRunTemplate({ words, key }: RunWish, run: DoneRun): void {
  const { request } = run;
  const asked = request.written.command?.slice(2) ?? [];
  // whether the front has found ROOT where it is
  if (words.length + request.command.length !== asked.length) return;
  const facts = factsOf(words, request.command.length > 0);
  const connected = connectedFor(run, request.name === undefined ? CODE.name : run.record.name);
  const isKept = !facts.seen.isOpaque && connected !== undefined && isRepeatable(run);
  const template = isKept ? encoded(run, facts, connected) : encodeRefusal(facts);
  try {
    mkdirSync(templatesFolder(), { recursive: true, mode: 0o700 });
    makeRoom();
    writeFileAtomically(join(templatesFolder(), key), template, { durable: false });
  } catch {
    // a full disk
  }
}

/** Removes those that have not been used for the longest time, if there are as many as there may be. */
function makeRoom(): void {
  const folder = templatesFolder();
  const names = readdirSync(folder);
  if (names.length < MOST) return;
  const used = new Map(
    names.map((name) => [name, statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0]),
  );
  names.sort((one, other) => (used.get(one) ?? 0) - (used.get(other) ?? 0));
  for (const name of names.slice(0, names.length - MOST + 1)) rmSync(join(folder, name), { force: true });
}

/** Removes all of them. */
export function removeTemplates(): void {
  rmSync(templatesFolder(), { recursive: true, force: true });
}

/** How many there are. */
export function countTemplates(): number {
  try {
    return readdirSync(templatesFolder()).length;
  } catch {
    return 0; // there is no folder yet
  }
}

/** What a template depends on that is left now. */
export function factsOf(words: readonly string[], hasCommand: boolean): RunFacts {
  const seen = sightings();
  const { uid, gid } = callerIds();
  return {
    words,
    hasCommand,
    seen: { ...seen, files: seen.files.filter(isPlanned) },
    uid,
    gid,
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    host: hostname(),
    directory: seen.usesDirectory ? process.cwd() : '',
  };
}

function callerIds(): { uid: number; gid: number } {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** Whether a file has a part in the plan: what is made in each run, and what is locked, has not. */
function isPlanned({ path }: Sighting): boolean {
  const [first = ''] = path.startsWith(`${dataFolder()}/`)
    ? path.slice(dataFolder().length + 1).split('/')
    : [];
  return !['containers', 'names', 'locks', 'events', 'lock', 'images.lock', 'templates'].includes(first);
}

/** Whether the front can do it: it repeats, and knows nothing of what has to be chosen for each run. */
function isRepeatable(run: DoneRun): boolean {
  const { request, kind } = run;
  const { attached } = request;
  const isUsual =
    // a command that only watches what is restarted does not own it
    (kind !== 'attached' || request.restart.policy === 'no') &&
    !request.explain &&
    !request.initVerbose &&
    !request.replace &&
    request.passSignals &&
    request.cidfile === undefined &&
    request.pidfile === undefined &&
    !request.publishAll &&
    request.ports.every(({ hostPort }) => hostPort !== 0) &&
    request.bundle === undefined &&
    (request.detach || (attached.stdout && attached.stderr && (attached.stdin || !request.interactive)));
  return isUsual && (run.record.volumes ?? []).every(isKeptVolume) && isStartRepeatable(run);
}

/** Whether the front can hold a volume: src/init/front/volumes.c. */
function isKeptVolume({ name, isNew, subpath, chowns }: VolumeUse): boolean {
  const volume = readVolume(name);
  const isPlain = isNew !== true && subpath === undefined && chowns !== true;
  return (
    isPlain && volume !== undefined && volume.isAnonymous !== true && kindOfVolume(volume).kind === 'folder'
  );
}

/** A plan without what depends on the address in a network, if there is any; undefined if the front cannot connect it. */
export type FillablePlan = ConnectedPlan | { plan: Plan; network?: undefined; texts: number[] };

/** @param name a code in place of a random one */
export function connectedFor(
  { record, plan, network }: Pick<DoneRun, 'record' | 'plan' | 'network'>,
  name: string,
): FillablePlan | undefined {
  if (network === undefined) return { plan, texts: [] };
  return network.shares === undefined ? connectedPlan({ ...record, name }, plan, network) : undefined;
}

/** Whether the front can start such a container. */
export function isStartRepeatable({
  record,
  plan,
  monitor,
}: Pick<DoneRun, 'record' | 'plan' | 'monitor'>): boolean {
  const isAlone =
    record.pod === undefined &&
    record.joins === undefined &&
    record.sharesNetwork === undefined &&
    record.joinsNetwork === undefined &&
    record.pasta === undefined &&
    record.health === undefined;
  const isPlain =
    (record.driver ?? 'overlay') === 'overlay' &&
    plan.cgroup === undefined &&
    !Object.values(CODE).some((code) => dataFolder().includes(code)) &&
    !plan.kept &&
    monitor.lastProgram === undefined &&
    plan.host.every(({ kind }) => ['run', 'write', 'resume', 'netlink', 'start'].includes(kind));
  return isAlone && isPlain;
}

function encoded(
  { request, record, plan, monitor, kind }: DoneRun,
  facts: RunFacts,
  connected: FillablePlan,
): Uint8Array {
  const count = request.command.length;
  const { id, created } = record;
  const isNamed = request.name !== undefined;
  const name = isNamed ? record.name : CODE.name;
  // an entry point is always the program; a command is only where there is none
  const fixed = plan.program.argv.slice(0, plan.program.argv.length - count);
  const isOwn = count > 0 && fixed.length === 0;
  const program = { ...plan.program, argv: fixed, ...(isOwn && { paths: [] }) };
  const failures = isOwn
    ? { path: failuresFor(plan, '/'), name: failuresFor(plan, '') }
    : { path: wholeFailures(monitor), name: wholeFailures(monitor) };
  const event = timelessEvent({
    type: 'container',
    action: 'create',
    id,
    name,
    attributes: attributesOf(record),
  });
  return encodeRunTemplate({
    kind,
    facts,
    fresh: { id, created },
    ...connectedBlobs(connected, program, monitor),
    failures,
    path: searchPath(plan),
    flags: flagsOf(record, plan),
    cloneFlags: namespaceFlags(plan.namespaces),
    name: isNamed ? record.name : '',
    nameWords: NAME_WORDS,
    record: recordText({ ...record, name }, count),
    restart: encodeRestart(request.restart),
    event: ` ${event}`,
    subject: ` ${id} ${name}`,
    remove: monitor.remove.map((path) =>
      path.endsWith(`/${record.name}`) ? `${path.slice(0, -record.name.length)}${name}` : path,
    ),
    keys: request.detachKeys,
    volumes: [...new Set((record.volumes ?? []).map(({ name: volume }) => volume))].sort(),
  });
}

/** What is filled in before it is used. */
export function connectedBlobs(
  { plan, network, texts }: FillablePlan,
  program: Plan['program'],
  monitor: MonitorOptions,
) {
  const { host } = monitor;
  return {
    plan: encodePlan({ ...plan, program }, { trace: false }),
    monitor: encodeMonitor({ ...monitor, failures: [], names: [], host: host && { steps: plan.host } }),
    network,
    texts,
  };
}

/** Messages about a program that does not change. */
export function wholeFailures({ failures }: MonitorOptions): TemplateFailure[] {
  return failures.map(({ errno, exitCode, text }) => ({ errno, exitCode, before: text, after: '' }));
}

/** Sum of RUN_*. */
export function flagsOf(record: ContainerRecord, plan: Plan): number {
  const flags: [boolean, number][] = [
    [record.isCallerMapped, wire.RUN_LAYER],
    [!record.isCallerMapped, wire.RUN_OPEN],
    [!record.rm, wire.RUN_DURABLE],
    [record.interactive, wire.RUN_INTERACTIVE],
    [plan.terminal, wire.RUN_TERMINAL],
    [plan.namespaces.includes('user') || plan.isNested, wire.RUN_USERNS],
  ];
  return flags.reduce((sum, [isSet, flag]) => (isSet ? sum | flag : sum), 0);
}

/** config.json, with a code in place of the last `count` words of each command line. */
function recordText(record: ContainerRecord, count: number): string {
  const { asked, spec } = record;
  const cut = (words: string[]) => (count === 0 ? words : [...words.slice(0, -count), CODE.command]);
  const text = JSON.stringify({
    ...record,
    command: cut(record.command),
    ...(asked && {
      asked: {
        ...asked,
        ...(asked.command && { command: cut(asked.command) }),
        ...(asked.cmd && { cmd: cut(asked.cmd) }),
      },
    }),
    spec: { ...spec, process: { ...spec.process, args: cut(spec.process.args) } },
  });
  return text
    .replaceAll(JSON.stringify(CODE.command), CODE.command)
    .replaceAll(JSON.stringify(CODE.name).slice(1, -1), CODE.name);
}
