import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  encodeRefusal,
  encodeRunTemplate,
  type PodTemplate,
  type RunFacts,
  type RunKind,
  type RunTemplate,
  type TemplateFailure,
  type VolumeTemplate,
} from '../init/template.js';
import { encodeMonitor, encodePlan, type MonitorOptions } from '../init/wire.js';
import { cgroupsText } from '../launch/noted-cgroups.js';
import { namespaceFlags } from '../plan/namespaces.js';
import type { Plan } from '../plan/step.js';
import { NAME_WORDS } from '../spec/names.js';
import { encodeRestart } from '../spec/parse/restart.js';
import type { RunRequest } from '../spec/request.js';
import { writeFileAtomically } from '../sys/files.js';
import { containerFolder, dataFolder, volumeFolder } from '../sys/paths.js';
import { type Sighting, sightings, unseen } from '../sys/sightings.js';
import { wire } from '../sys/wire-constants.js';
import { encodedHelper } from './background.js';
import { timelessEvent } from './events/line.js';
import { attributesOf } from './events/recorder.js';
import { failuresFor, searchPath } from './exec-template.js';
import type { FilledVolumes } from './fill.js';
import type { Attachment } from './network-draft.js';
import { type ConnectedPlan, connectedPlan, type FillableText, portCode } from './network-template.js';
import { dependsOnOthers, joinedPlan, podTemplate } from './pod-template.js';
import { type ContainerRecord, recordJson } from './record.js';
import type { RunWish } from './run-observer.js';
import { isVolumeMissing, type VolumeTemplates, volumeTemplates } from './volume-template.js';

/** Where the templates of runs are: docs/state.md. */
export function templatesFolder(): string {
  return join(dataFolder(), 'templates');
}

/** How many there are at most; the front marks each that it uses with the time. */
const MOST = 64;

/** In the texts of a template, in place of what differs. */
export const CODE = {
  name: String.fromCharCode(wire.CODE_NAME),
  command: String.fromCharCode(wire.CODE_COMMAND),
};

/** What a run has done, and what its monitor gets. */
export interface DoneRun {
  request: RunRequest;
  record: ContainerRecord;
  plan: Plan;
  monitor: MonitorOptions;
  network: Attachment | undefined;
  /** What of its image has become the content of volumes. */
  filled: FilledVolumes;
  kind: RunKind;
}

/**
 * Leaves what the front needs to do such a run without Node: src/init/front. Some runs are always Node's, and then it leaves
 * word of that. If leaving fails, the next one is done by Node, too.
 */
export function keepRunTemplate(wish: RunWish, run: DoneRun): void {
  prepareRunTemplate(wish, run)();
}

/** As `keepRunTemplate`, for a run that may yet fail. @returns what leaves it */
export function prepareRunTemplate(wish: RunWish, run: DoneRun): () => void {
  const { request, record } = run;
  const asked = request.written.command?.slice(2) ?? [];
  // whether the front has found ROOT where it is
  if (wish.words.length + request.command.length !== asked.length) return () => {};
  if (record.volumes !== undefined && isVolumeMissing(record)) return () => {};
  const facts = factsOf(wish.words, request.command.length > 0);
  const { key, template } = templateForAnyName(wish, run, facts) ?? {
    key: wish.key,
    template: templateFor(run, facts, { name: request.name === undefined ? CODE.name : record.name }),
  };
  return () => writeTemplate(key, template);
}

/** @param key its name in the folder of all */
export function writeTemplate(key: string, template: Uint8Array): void {
  try {
    mkdirSync(templatesFolder(), { recursive: true, mode: 0o700 });
    makeRoom();
    writeFileAtomically(join(templatesFolder(), key), template, { durable: false });
  } catch {
    // a full disk
  }
}

/** The name in the texts of a template. */
interface NameText {
  /** A code in place of one that the front is to put there. */
  name: string;
  /** The word of the command line that has the name, with that in it, and its index after `run`. */
  word?: { index: number; text: string } | undefined;
}

function templateFor(run: DoneRun, facts: RunFacts, { name, word }: NameText): Uint8Array {
  if (isOpaqueFor(facts, run) || !isRepeatable(run)) return encodeRefusal(facts);
  const pod = podTemplate(run.record, facts.words, run.network);
  if (pod === undefined && run.record.pod !== undefined) return encodeRefusal(facts);
  const chosen = chosenPorts(run);
  const connected = connectedFor(run, name, chosen);
  const record = recordText(run, { name, word }, chosen);
  const volumes = volumesFor(run);
  if (connected === undefined || record === undefined || volumes === undefined) return encodeRefusal(facts);
  return encoded(run, withoutVolumes(facts, volumes.volumes), { connected, name, record, pod, ...volumes });
}

/** Whether planning has looked at what the front cannot compare. */
export function isOpaqueFor(
  { seen }: RunFacts,
  { record }: Pick<DoneRun, 'record'>,
  planned?: Iterable<string>,
): boolean {
  return seen.isOpaque || dependsOnOthers(sightings().files, record, planned);
}

/** The names of the volumes that are made for a container. */
function newVolumes({ volumes = [] }: ContainerRecord): string[] {
  return volumes.filter(({ isNew }) => isNew).map(({ name }) => name);
}

/** Most runs have no volumes, and do without what looks at them. */
function volumesFor({ record, filled }: DoneRun): VolumeTemplates | undefined {
  if (record.volumes === undefined) return { volumes: [], maps: undefined };
  return newVolumes(record).length > wire.MOST_NEW_VOLUMES ? undefined : volumeTemplates(record, filled);
}

/** The front looks itself whether these exist, and what they are. */
function withoutVolumes(facts: RunFacts, volumes: readonly VolumeTemplate[]): RunFacts {
  const folders = volumes.filter(({ isPlain }) => isPlain).map(({ name }) => volumeFolder(name));
  if (folders.length === 0) return facts;
  const isOther = ({ path }: Sighting) =>
    !folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
  return { ...facts, seen: { ...facts.seen, files: facts.seen.files.filter(isOther) } };
}

/**
 * The template for the same command line with any name: src/init/front/run-args.c. Undefined if the run has no name, or if something
 * else looks like it, so that nobody can tell whether it was made from the name.
 */
function templateForAnyName(
  { words, anyName }: RunWish,
  run: DoneRun,
  facts: RunFacts,
): { key: string; template: Uint8Array } | undefined {
  const { name } = run.request;
  const at = anyName?.index ?? 0;
  const option = words[at] === name ? words[at - 1] : words[at];
  if (anyName === undefined || name === undefined || !['--name', `--name=${name}`].includes(option ?? ''))
    return undefined;
  const before = words[at] === name ? '' : '--name=';
  const template = templateFor(
    run,
    { ...facts, words: words.with(at, before), isForAnyName: true },
    { name: CODE.name, word: { index: at, text: before + CODE.name } },
  );
  return Buffer.from(template).includes(name) ? undefined : { key: anyName.key, template };
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

/**
 * What a template depends on that is left now.
 * @param started the id of a container that exists, whose own files have a part in the plan of its next start
 */
export function factsOf(words: readonly string[], hasCommand: boolean, started?: string): RunFacts {
  const seen = sightings();
  const { uid, gid } = callerIds();
  return {
    words,
    hasCommand,
    seen: { ...seen, files: seen.files.filter((one) => isPlanned(one, started)) },
    uid,
    gid,
    boot: unseen(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
    host: hostname(),
    directory: seen.usesDirectory ? process.cwd() : '',
  };
}

function callerIds(): { uid: number; gid: number } {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/**
 * Whether a file has a part in the plan: what is made in each run, and what is locked, has not. Records of pods are compared apart.
 */
function isPlanned({ path }: Sighting, started: string | undefined): boolean {
  if (started !== undefined && path.startsWith(`${containerFolder(started)}/upper/`)) return true;
  const [first = ''] = path.startsWith(`${dataFolder()}/`)
    ? path.slice(dataFolder().length + 1).split('/')
    : [];
  return !['containers', 'pods', 'names', 'locks', 'events', 'lock', 'images.lock', 'templates'].includes(
    first,
  );
}

/** Whether the front can do it: it repeats, and knows nothing of what has to be chosen for each run. */
function isRepeatable(run: DoneRun): boolean {
  const { request, kind } = run;
  const { attached } = request;
  const isUsual =
    // a command that only watches what is restarted does not own it
    (kind !== 'attached' || (request.restart.policy === 'no' && run.record.health === undefined)) &&
    !request.explain &&
    !request.initVerbose &&
    !request.replace &&
    request.passSignals &&
    request.cidfile === undefined &&
    request.pidfile === undefined &&
    request.bundle === undefined &&
    (request.detach || (attached.stdout && attached.stderr && (attached.stdin || !request.interactive)));
  return isUsual && isStartRepeatable(run);
}

/** A plan without what depends on the address in a network, or on a pod, if there is any; undefined if the front cannot connect it. */
export type FillablePlan = ConnectedPlan | (FillableText & { network?: undefined });

/**
 * @param name a code in place of one that the front is to put there
 * @param chosen the indexes of those published ports for which the front is to choose a port of the machine
 */
export function connectedFor(
  { record, plan, network }: Pick<DoneRun, 'record' | 'plan' | 'network'>,
  name: string,
  chosen: readonly number[],
): FillablePlan | undefined {
  if (network === undefined) return chosen.length === 0 ? { plan, texts: [] } : undefined;
  // what it looks at is for the template alone; another container may be planned afterwards
  return unseen(() => {
    if (network.shares === undefined) return connectedPlan(record, plan, network, name, chosen);
    return record.pod === undefined ? undefined : joinedPlan(record, plan, network, name);
  });
}

/** The indexes of the published ports for which a free port of the machine was chosen: `-p 80`, `-P`. */
function chosenPorts({ request, record }: DoneRun): number[] {
  const { published = [] } = record;
  return [...published.keys()].filter((index) => (request.ports[index]?.hostPort ?? 0) === 0);
}

/** Codes are control characters. */
function hasCode(text: string): boolean {
  return [...text].some((character) => character < ' ');
}

/** Whether the front can start such a container. */
export function isStartRepeatable({
  record,
  plan,
  monitor,
}: Pick<DoneRun, 'record' | 'plan' | 'monitor'>): boolean {
  // a container of a pod that has none of the pod's processes, and with which nothing else begins or ends
  const isPlainMember =
    record.pod === undefined ||
    record.isInfra === true ||
    (record.shares !== undefined &&
      !plan.joinsPids &&
      record.job === undefined &&
      record.initContainer === undefined);
  const isAlone =
    isPlainMember &&
    record.joins === undefined &&
    record.sharesNetwork === undefined &&
    record.joinsNetwork === undefined &&
    record.pasta === undefined &&
    record.probes === undefined &&
    record.postStart === undefined &&
    record.preStop === undefined;
  const isPlain =
    (record.isInfra || (record.driver ?? 'overlay') === 'overlay') &&
    !hasCode(dataFolder()) &&
    !plan.kept &&
    monitor.lastProgram === undefined &&
    plan.host.every(({ kind }) => ['run', 'write', 'resume', 'netlink', 'start', 'cgroup'].includes(kind));
  return isAlone && isPlain;
}

function encoded(
  { request, record, plan, monitor, kind }: DoneRun,
  facts: RunFacts,
  {
    connected,
    name,
    record: text,
    pod,
    volumes,
    maps,
  }: {
    connected: FillablePlan;
    name: string;
    record: string;
    pod: PodTemplate | undefined;
  } & VolumeTemplates,
): Uint8Array {
  const count = request.command.length;
  const { id, created } = record;
  const texts = namedTexts(record, monitor, name);
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
    fresh: {
      id,
      created,
      volumes: (record.volumes ?? []).filter(({ isNew }) => isNew).map((use) => use.name),
    },
    // what the front puts in place of these texts of the monitor says the same
    ...connectedBlobs(connected, program, texts.monitor),
    failures,
    path: searchPath(plan),
    flags: flagsOf(record, plan),
    cloneFlags: namespaceFlags(plan.namespaces),
    name: name === CODE.name ? '' : name,
    nameWords: facts.isForAnyName ? { adjectives: '', nouns: '' } : NAME_WORDS,
    record: text,
    restart: encodeRestart(request.restart),
    event: ` ${event}`,
    ...texts.own,
    keys: request.detachKeys,
    health: record.health && encodedHelper(record, record.health, plan),
    volumes,
    maps,
    cgroups: cgroupsText(plan.cgroup?.places ?? []),
    pod,
  });
}

/** What the monitor gets, with another name; and the texts from which the front makes the same. */
export function namedTexts(
  { id, name: from }: ContainerRecord,
  monitor: MonitorOptions,
  name: string,
): { monitor: MonitorOptions; own: Pick<RunTemplate, 'subject' | 'remove' | 'oom'> } {
  const oom = monitor.oom && {
    ...monitor.oom,
    message: monitor.oom.message.replace(`container ${from} `, `container ${name} `),
  };
  const remove = monitor.remove.map((path) =>
    path.endsWith(`/${from}`) ? `${path.slice(0, -from.length)}${name}` : path,
  );
  return {
    monitor: { ...monitor, subject: { id, name }, remove, oom },
    own: {
      subject: ` ${id} ${name}`,
      remove,
      oom: oom === undefined ? [] : [oom.folder, oom.file, oom.message],
    },
  };
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

/** config.json, with codes in place of the command and the name; undefined if something else in it looks like a code. */
function recordText(
  { record, request: { command } }: DoneRun,
  { name, word }: NameText,
  chosen: readonly number[],
): string | undefined {
  const { asked, spec, published = [] } = record;
  const count = command.length;
  const cut = (words: string[]) => (count === 0 ? words : [...words.slice(0, -count), CODE.command]);
  const whole = (words: string[]) => cut(word === undefined ? words : words.with(word.index + 2, word.text));
  const text = recordJson({
    ...record,
    name,
    command: cut(record.command),
    ...(asked && {
      asked: {
        ...asked,
        ...(asked.command && { command: whole(asked.command) }),
        ...(asked.cmd && { cmd: cut(asked.cmd) }),
      },
    }),
    spec: { ...spec, process: { ...spec.process, args: cut(spec.process.args) } },
    ...(chosen.length > 0 && {
      published: published.map((port, index) =>
        chosen.includes(index) ? { ...port, hostPort: -1 - chosen.indexOf(index) } : port,
      ),
    }),
  });
  const coded = text
    .replaceAll(JSON.stringify(CODE.command), CODE.command)
    .replaceAll(JSON.stringify(CODE.name).slice(1, -1), CODE.name)
    .replaceAll(/"hostPort":-(\d+)/g, (_, number) => `"hostPort":${portCode(Number(number) - 1)}`);
  const filled = chosen.reduce(
    (part, index, at) => part.replaceAll(portCode(at), String(published[index]?.hostPort)),
    coded
      .replaceAll(CODE.command, () => JSON.stringify(command).slice(1, -1))
      .replaceAll(CODE.name, record.name),
  );
  return filled === recordJson(record) ? coded : undefined;
}
