import { type BigIntStats, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { HostStep } from '../plan/step.js';
import type { IdMapping } from '../spec/id-maps.js';
import { errnoNumber } from '../sys/errno.js';
import type { Sightings } from '../sys/sightings.js';
import { wire } from '../sys/wire-constants.js';
import { Blob } from './blob.js';
import { nativeFile } from './clone.js';
import { encodeHostSteps } from './wire.js';

/** The encoder for struct template of wire.h, from which src/init/front repeats an exec without Node. */

/** Identifies a file and its content: five numbers; zeros if there is no such file. */
export type Stamp = readonly bigint[];

const NO_FILE: Stamp = [0n, 0n, 0n, 0n, 0n];

/** The stamp of a file. @param info undefined if there is none */
export function stampFrom(info: BigIntStats | undefined): Stamp {
  return info === undefined ? NO_FILE : [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs];
}

/** The stamp of the file at `path`, as front/template.c makes it. A symbolic link is not followed. */
export function stampOf(path: string): Stamp {
  return stampFrom(lstatSync(path, { bigint: true, throwIfNoEntry: false }));
}

export type TemplateKind = 'foreground' | 'terminal' | 'detached' | 'detachable';

const KINDS: Readonly<Record<TemplateKind, number>> = {
  foreground: wire.TEMPLATE_EXEC,
  terminal: wire.TEMPLATE_EXEC_TERMINAL,
  detached: wire.TEMPLATE_EXEC_DETACHED,
  detachable: wire.TEMPLATE_EXEC_DETACHABLE,
};

/** The name of the file in the container's folder. */
export const TEMPLATE_FILES: Readonly<Record<TemplateKind, string>> = {
  foreground: 'exec',
  terminal: 'exec-terminal',
  detached: 'exec-detached',
  detachable: 'exec-detachable',
};

/** A message about a program that cannot be executed, in two parts, between which it is named in quotation marks. */
export interface TemplateFailure {
  errno: string;
  exitCode: number;
  before: string;
  after: string;
}

/** What starts a process. */
interface ProcessTemplate {
  /** Encoded, with those of the arguments that are an entry point's. */
  plan: Uint8Array;
  /** Encoded, without failures. */
  monitor: Uint8Array;
  /** For programs that are named by a path, and for those that are looked up; the same errors in the same order. */
  failures: { path: readonly TemplateFailure[]; name: readonly TemplateFailure[] };
  /** PATH of the container. */
  path: string;
  /** Those that detach. */
  keys: Buffer;
  /** The encoded plan of the container's health check. */
  health?: Uint8Array | undefined;
}

export interface ExecTemplate extends ProcessTemplate {
  kind: TemplateKind;
  /** The container's files; the template is used while they have not changed. */
  stamps: { config: Stamp; cgroups: Stamp };
  /** With a user: those of the container's /etc/passwd and /etc/group. */
  users?: { passwd: Stamp; group: Stamp } | undefined;
  /** The line of the event after its time, up to the command. */
  event: string;
  /** The index of the step, of PID 1's and the process's, whose only argument is the working directory. */
  directoryStep: number;
}

export function encodeTemplate(template: ExecTemplate): Uint8Array {
  const { kind, stamps, plan } = template;
  const blob = new Blob();
  const header = blob.reserve(wire.TEMPLATE_SIZE);
  encodeProcess(blob, header, template, {
    kind: KINDS[kind],
    config: words(stamps.config),
    cgroups: words(stamps.cgroups),
    passwd: words(template.users?.passwd ?? []),
    group: words(template.users?.group ?? []),
    event: blob.text(template.event),
    directory: argumentAt(plan, template.directoryStep),
    run: 0,
  });
  return blob.bytes;
}

function encodeProcess(
  blob: Blob,
  header: number,
  { plan, monitor, failures, path, keys, health }: ProcessTemplate,
  fields: Record<'kind' | 'event' | 'directory' | 'run', number> &
    Record<'config' | 'cgroups', number[]> &
    Partial<Record<'passwd' | 'group', number[]>>,
): void {
  const offsets = wire.TEMPLATE_OFFSETS;
  const all = [...failures.path, ...failures.name];
  const table = blob.reserve(all.length * wire.TEMPLATE_FAILURE_SIZE);
  all.forEach(({ errno, exitCode, before, after }, index) => {
    blob.struct(table + index * wire.TEMPLATE_FAILURE_SIZE, wire.TEMPLATE_FAILURE_OFFSETS, {
      error: errno === '*' ? 0 : errnoNumber(errno),
      exit_code: exitCode,
      before: blob.text(before),
      after: blob.text(after),
    });
  });
  blob.struct(header, offsets, {
    magic: wire.TEMPLATE_MAGIC,
    version: wire.VERSION,
    init: words(stampOf(nativeFile('foster-init'))),
    bundle: words(stampOf(`${dirname(dirname(nativeFile('foster-init')))}/foster-cli.cjs`)),
    plan: blob.put(plan),
    plan_size: plan.length,
    monitor: blob.put(monitor),
    monitor_size: monitor.length,
    failures: table,
    failure_count: failures.path.length,
    path: blob.text(path),
    keys: blob.put(Buffer.concat([keys, Buffer.of(0)])),
    health: health === undefined ? 0 : blob.put(health),
    health_size: health?.length ?? 0,
    size: 0,
    passwd: [],
    group: [],
    ...fields,
  });
  blob.u32(header + offsets.size, blob.size);
}

export type RunKind = 'foreground' | 'detached' | 'attached' | 'start';

const RUN_KINDS: Readonly<Record<RunKind, number>> = {
  foreground: wire.TEMPLATE_RUN,
  detached: wire.TEMPLATE_RUN_DETACHED,
  attached: wire.TEMPLATE_RUN_ATTACHED,
  start: wire.TEMPLATE_START,
};

/** What the template of a run depends on. */
export interface RunFacts {
  /** The command line after `run`, up to ROOT. */
  words: readonly string[];
  /** Whether a command follows. */
  hasCommand: boolean;
  /** Whether it is for any container name, which `words` are without. */
  isForAnyName?: boolean;
  seen: Sightings;
  uid: number;
  gid: number;
  /** The kernel's boot id, and the machine's host name. */
  boot: string;
  host: string;
  /** '' if it does not matter. */
  directory: string;
}

/** The template of a run, whose texts have CODE_* in place of what differs from run to run. */
export interface RunTemplate extends ProcessTemplate {
  kind: RunKind;
  facts: RunFacts;
  /** Of a start: the container's files. */
  stamps?: { config: Stamp; cgroups: Stamp };
  /** What of the run that leaves it is different in the next one; nothing is in the next start. */
  fresh?: { id: string; created: string; volumes: readonly string[] };
  /** Sum of RUN_*, without those of `facts`. */
  flags: number;
  cloneFlags: number;
  /** '' for a random one, and for any. */
  name: string;
  nameWords: { adjectives: string; nouns: string };
  record: string;
  restart: string;
  /** The line of the creation in the events file, after its time. */
  event: string;
  subject: string;
  remove: readonly string[];
  /** Of one that is connected to a network. */
  network?: NetworkTemplate | undefined;
  /** Of one that is in a pod, and of a pod's infra container. */
  pod?: PodTemplate | undefined;
  /** The steps of PID 1 whose second argument is a text with codes, by index. */
  texts: readonly number[];
  /** The volumes that a new container uses, sorted by name. */
  volumes: readonly VolumeTemplate[];
  /** In which `owner` of volumes are ids, if those are the container's. */
  maps?: { uid: readonly IdMapping[]; gid: readonly IdMapping[] } | undefined;
  /** The file `cgroups` of a new container; '' if it has none. */
  cgroups: string;
  /** The words of `oom` of a new container's monitor. */
  oom: readonly string[];
}

/** A volume that a new container uses: struct template_volume of wire.h. */
export interface VolumeTemplate {
  name: string;
  /** `config.json` of one that is made; '' if it must exist. */
  definition: string;
  /** Whether it is anonymous, and made. */
  isNew: boolean;
  /** Whether it has no options, so that it does not matter if it exists. */
  isPlain: boolean;
  /** Whether one that is empty stays so. */
  isKept: boolean;
  /** Of the directory of one that is made. */
  owner?:
    | {
        uid: number;
        gid: number;
        mode: number;
        /** Whether they are ids of the container. */
        isMapped: boolean;
        /** Of the last access and the last change: seconds, nanoseconds. */
        times?: bigint[];
      }
    | undefined;
}

/** The pod that a template was made in: struct template_pod of wire.h. */
export interface PodTemplate {
  /** As the command line has it; '' for a container that exists. */
  reference: string;
  id: string;
  /** The id of its infra container. */
  infra: string;
  /** `maskedStamp` of both records. */
  record: readonly bigint[];
  infraRecord: readonly bigint[];
  /** The same of a container that exists, if the template is for every such one. */
  member?: readonly bigint[];
  /** The address of the machine: 4 bytes; undefined if nothing depends on it. */
  host: Buffer | undefined;
  /** One of POD_NETWORK_*. */
  network: number;
}

/** The ids and times by which a pod differs from another one that was made in the same way. */
export interface PodMasks {
  id: string;
  infra: string;
  created: string;
  infraCreated: string;
  /** Of a container's own record. */
  member?: { id: string; created: string; name: string };
}

const NAME_MASK = String.fromCharCode(wire.POD_MASK_NAME);

/**
 * The size of a text without the name of its container, and two hashes of it (FNV-1a) in which masks stand for what differs:
 * front/pod.c makes the same.
 */
export function maskedStamp(text: string, { id, infra, created, infraCreated, member }: PodMasks): bigint[] {
  const ofMember: [string, number][] =
    member === undefined
      ? []
      : [
          [member.id, wire.POD_MASK_MEMBER],
          [member.id.slice(0, SHORT_ID), wire.POD_MASK_SHORT_MEMBER],
          [member.created, wire.POD_MASK_CREATED],
        ];
  const masks: [string, number][] = [
    ...ofMember,
    [id, wire.POD_MASK_ID],
    [infra, wire.POD_MASK_INFRA],
    [id.slice(0, SHORT_ID), wire.POD_MASK_SHORT_ID],
    [infra.slice(0, SHORT_ID), wire.POD_MASK_SHORT_INFRA],
    [created, wire.POD_MASK_CREATED],
    [infraCreated, wire.POD_MASK_CREATED],
  ];
  // where the name stands for nothing else: recordJson() of src/container/record.ts
  const nameless = member
    ? text.replace(`,"name":"${member.name}","spec":`, `,"name":"${NAME_MASK}","spec":`)
    : text;
  const masked = masks.reduce(
    (now, [word, code]) => now.replaceAll(word, String.fromCharCode(code)),
    nameless,
  );
  let [one, two] = [0x811c9dc5, 0x01234567];
  for (const byte of Buffer.from(masked))
    [one, two] = [Math.imul(one ^ byte, 0x01000193), Math.imul(two ^ byte, 0x01000193)];
  return [BigInt(Buffer.byteLength(text) - (member?.name.length ?? 0)), BigInt(one >>> 0), BigInt(two >>> 0)];
}

/** How a container is connected to a network: struct template_network of wire.h, whose texts have CODE_*. */
export interface NetworkTemplate {
  /** Parts of the lock file of the network holder. */
  states: string[];
  /** The address of the machine: 4 bytes. */
  host: Buffer;
  /** The addresses to choose from, as numbers, and those of them that no container gets. */
  first: number;
  last: number;
  except: number[];
  /** The file of the lease, below the networks folder, and its content. */
  leaseName: string;
  lease: string;
  /** The file `networks` of the container. */
  note: string;
  /** Files for the monitor to remove when the container has ended for good. */
  remove: string[];
  /** The file with its names, below the networks folder, and its content; '' if it has none. */
  namesFile: string;
  names: string;
  /** What host steps have, with marks in place of what differs: messages, and words of programs. */
  parts: Buffer[];
  marks: LinkMarks;
  /** Ports of the machine that are chosen. */
  ports: { address: Buffer; isUdp: boolean }[];
  /** How the holder is made, where none runs; undefined if that is Node's. */
  holder: { steps: readonly HostStep[]; state: object; hasIPv6: boolean } | undefined;
}

/** What is in them about an interface: its number, its name up to DEVICE_SIZE, and its address as bytes and as hexadecimal digits; and about ports. */
export interface LinkMarks {
  index: Buffer;
  device: Buffer;
  address: Buffer;
  digits: Buffer;
  /** 4 hexadecimal digits for each port that is chosen. */
  ports: Buffer[];
}

export function encodeRunTemplate(template: RunTemplate): Uint8Array {
  const { facts, nameWords, remove, stamps, fresh, network, pod, texts } = template;
  const blob = new Blob();
  const header = blob.reserve(wire.TEMPLATE_SIZE);
  const run = blob.reserve(wire.RUN_TEMPLATE_SIZE);
  encodeProcess(blob, header, template, {
    kind: RUN_KINDS[template.kind],
    config: words(stamps?.config ?? []),
    cgroups: words(stamps?.cgroups ?? []),
    event: blob.text(template.event),
    directory: 0,
    run,
  });
  encodeFacts(blob, run, facts, {
    flags: template.flags,
    clone_flags: template.cloneFlags,
    name: blob.text(template.name),
    adjectives: blob.text(nameWords.adjectives),
    nouns: blob.text(nameWords.nouns),
    record: blob.text(template.record),
    restart: blob.text(template.restart),
    subject: blob.text(template.subject),
    remove: blob.words([...remove]),
    remove_count: remove.length,
    texts: numbers(
      blob,
      texts.map((step) => argumentAt(template.plan, step) + 8),
    ),
    text_count: texts.length,
    network: network === undefined ? 0 : encodeNetwork(blob, network),
    volumes: encodeVolumes(blob, template.volumes),
    volume_count: template.volumes.length,
    uid_map: blob.text(JSON.stringify(template.maps?.uid ?? [])),
    gid_map: blob.text(JSON.stringify(template.maps?.gid ?? [])),
    cgroups: blob.text(template.cgroups),
    oom: blob.words([...template.oom]),
    oom_count: template.oom.length,
    pod: pod === undefined ? 0 : encodePod(blob, pod),
  });
  const holes = [
    ...(fresh === undefined ? [] : findHoles(blob.bytes, fresh)),
    ...(network === undefined ? [] : findMarks(blob.bytes, network)),
    ...(pod === undefined || stamps !== undefined ? [] : findPodHoles(blob.bytes, pod)),
  ];
  const table = blob.reserve(holes.length * wire.TEMPLATE_HOLE_SIZE);
  holes.forEach((hole, index) => {
    blob.struct(table + index * wire.TEMPLATE_HOLE_SIZE, wire.TEMPLATE_HOLE_OFFSETS, hole);
  });
  blob.u32(run + wire.RUN_TEMPLATE_OFFSETS.holes, table);
  blob.u32(run + wire.RUN_TEMPLATE_OFFSETS.hole_count, holes.length);
  blob.u32(header + wire.TEMPLATE_OFFSETS.size, blob.size);
  return blob.bytes;
}

function encodeVolumes(blob: Blob, volumes: readonly VolumeTemplate[]): number {
  const at = blob.reserve(volumes.length * wire.TEMPLATE_VOLUME_SIZE);
  volumes.forEach(({ name, definition, isNew, isPlain, isKept, owner }, index) => {
    const flags: [boolean | undefined, number][] = [
      [isNew, wire.VOLUME_NEW],
      [isPlain, wire.VOLUME_PLAIN],
      [isKept, wire.VOLUME_KEPT],
      [owner !== undefined, wire.VOLUME_OWNED],
      [owner?.isMapped, wire.VOLUME_MAPPED],
      [owner?.times !== undefined, wire.VOLUME_TIMED],
    ];
    blob.struct(at + index * wire.TEMPLATE_VOLUME_SIZE, wire.TEMPLATE_VOLUME_OFFSETS, {
      name: blob.text(name),
      definition: blob.text(definition),
      flags: flags.reduce((sum, [isSet, flag]) => (isSet ? sum | flag : sum), 0),
      mode: owner?.mode ?? 0,
      uid: owner?.uid ?? 0,
      gid: owner?.gid ?? 0,
      unused: 0,
      times: words(owner?.times ?? []),
    });
  });
  return at;
}

function encodeNetwork(blob: Blob, network: NetworkTemplate): number {
  const at = blob.reserve(wire.TEMPLATE_NETWORK_SIZE);
  const { states, first, last, except, remove, holder } = network;
  const recipe = new Blob();
  const steps = encodeHostSteps(recipe, holder?.steps ?? []);
  blob.struct(at, wire.TEMPLATE_NETWORK_OFFSETS, {
    states: blob.words(states),
    state_count: states.length,
    host: network.host.readUInt32LE(),
    first,
    last,
    except: numbers(blob, except),
    except_count: except.length,
    lease_name: blob.text(network.leaseName),
    lease: blob.text(network.lease),
    note: blob.text(network.note),
    remove: blob.words(remove),
    remove_count: remove.length,
    names_file: blob.text(network.namesFile),
    names: blob.text(network.names),
    ports: numbers(
      blob,
      network.ports.flatMap(({ address, isUdp }) => [address.readUInt32LE(), Number(isUdp)]),
    ),
    port_count: network.ports.length,
    recipe: blob.put(recipe.bytes),
    recipe_size: recipe.size,
    recipe_steps: steps,
    recipe_count: holder?.steps.length ?? 0,
    holder_state: blob.text(JSON.stringify(holder?.state ?? {}).slice(1)),
    has_ipv6: Number(holder?.hasIPv6 ?? false),
  });
  return at;
}

function encodePod(
  blob: Blob,
  { record, infraRecord, member, reference, id, infra, host, network }: PodTemplate,
): number {
  const at = blob.reserve(wire.TEMPLATE_POD_SIZE);
  blob.struct(at, wire.TEMPLATE_POD_OFFSETS, {
    record: words(record),
    infra_record: words(infraRecord),
    member: words(member ?? []),
    reference: blob.text(reference),
    id: blob.text(id),
    infra: blob.text(infra),
    host: host?.readUInt32LE() ?? 0,
    network,
  });
  return at;
}

/** An array of 32-bit numbers. */
function numbers(blob: Blob, values: readonly number[]): number {
  const at = blob.reserve(values.length * 4);
  values.forEach((value, index) => {
    blob.u32(at + index * 4, value);
  });
  return at;
}

/** Says that such a run is always done by Node, as long as what it depends on is the same. */
export function encodeRefusal(facts: RunFacts): Uint8Array {
  const blob = new Blob();
  const header = blob.reserve(wire.TEMPLATE_SIZE);
  const run = blob.reserve(wire.RUN_TEMPLATE_SIZE);
  const none = { path: [], name: [] };
  const empty = blob.text('');
  encodeProcess(
    blob,
    header,
    { plan: Buffer.alloc(0), monitor: Buffer.alloc(0), failures: none, path: '', keys: Buffer.alloc(0) },
    { kind: wire.TEMPLATE_NONE, config: [], cgroups: [], event: empty, directory: 0, run },
  );
  const texts = {
    name: empty,
    adjectives: empty,
    nouns: empty,
    record: empty,
    restart: empty,
    subject: empty,
    cgroups: empty,
    uid_map: empty,
    gid_map: empty,
  };
  const rest = {
    flags: 0,
    clone_flags: 0,
    remove: empty,
    remove_count: 0,
    texts: 0,
    text_count: 0,
    network: 0,
    volumes: 0,
    volume_count: 0,
    oom: empty,
    oom_count: 0,
    pod: 0,
  };
  encodeFacts(blob, run, facts, { ...texts, ...rest });
  blob.u32(header + wire.TEMPLATE_OFFSETS.size, blob.size);
  return blob.bytes;
}

type RunField = keyof typeof wire.RUN_TEMPLATE_OFFSETS;
type FactField =
  | 'uid'
  | 'gid'
  | 'words'
  | 'word_count'
  | 'variables'
  | 'variable_count'
  | 'boot'
  | 'host'
  | 'directory'
  | 'files'
  | 'file_count'
  | 'holes'
  | 'hole_count';

function encodeFacts(
  blob: Blob,
  run: number,
  { words: texts, hasCommand, isForAnyName = false, seen, uid, gid, boot, host, directory }: RunFacts,
  rest: Record<Exclude<RunField, FactField>, number>,
): void {
  const files = blob.reserve(seen.files.length * wire.TEMPLATE_FILE_SIZE);
  seen.files.forEach(({ root, path, kind, stamp }, index) => {
    blob.struct(files + index * wire.TEMPLATE_FILE_SIZE, wire.TEMPLATE_FILE_OFFSETS, {
      root: blob.text(root),
      path: blob.text(path),
      kind,
      unused: 0,
      stamp: words(stamp),
    });
  });
  blob.struct(run, wire.RUN_TEMPLATE_OFFSETS, {
    ...rest,
    flags: rest.flags | (hasCommand ? wire.RUN_COMMAND : 0) | (isForAnyName ? wire.RUN_ANY_NAME : 0),
    uid,
    gid,
    words: blob.words([...texts]),
    word_count: texts.length,
    variables: blob.words([...seen.variables]),
    variable_count: seen.variables.length,
    boot: blob.text(boot),
    host: blob.text(host),
    directory: blob.text(directory),
    files,
    file_count: seen.files.length,
    holes: 0,
    hole_count: 0,
  });
}

const SHORT_ID = 12;

/** Where the bytes have the id, its start, the time of creation, or the name of an anonymous volume. */
function findHoles(
  bytes: Buffer,
  { id, created, volumes }: { id: string; created: string; volumes: readonly string[] },
): { offset: number; kind: number }[] {
  const named = volumes.flatMap((name, index) =>
    placesOf(bytes, name).map((offset) => ({ offset, kind: wire.HOLE_VOLUME + index })),
  );
  return [
    ...findId(bytes, id, wire.HOLE_ID, wire.HOLE_SHORT_ID),
    ...placesOf(bytes, created).map((offset) => ({ offset, kind: wire.HOLE_TIME })),
    ...named,
  ];
}

function findPodHoles(bytes: Buffer, { id, infra }: PodTemplate): { offset: number; kind: number }[] {
  return [
    ...findId(bytes, id, wire.HOLE_POD, wire.HOLE_SHORT_POD),
    ...findId(bytes, infra, wire.HOLE_INFRA, wire.HOLE_SHORT_INFRA),
  ];
}

/** Where the bytes have an id, or only its start. */
function findId(bytes: Buffer, id: string, whole: number, short: number): { offset: number; kind: number }[] {
  return placesOf(bytes, id.slice(0, SHORT_ID)).map((offset) => ({
    offset,
    kind: bytes.toString('latin1', offset, offset + id.length) === id ? whole : short,
  }));
}

/** Where host steps have marks. */
function findMarks(bytes: Buffer, { parts, marks }: NetworkTemplate): { offset: number; kind: number }[] {
  const kinds = [
    [marks.index, wire.HOLE_INDEX],
    [marks.device, wire.HOLE_DEVICE],
    [marks.address, wire.HOLE_ADDRESS],
    [marks.digits, wire.HOLE_DIGITS],
    ...marks.ports.map((mark, index) => [mark, wire.HOLE_PORT + index] as const),
  ] as const;
  return parts.flatMap((part) => {
    const start = bytes.indexOf(part);
    return kinds.flatMap(([mark, kind]) => placesOf(part, mark).map((at) => ({ offset: start + at, kind })));
  });
}

function placesOf(bytes: Buffer, text: string | Buffer): number[] {
  const places = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) places.push(at);
  return places;
}

/** Where an encoded plan has the first argument of a step. */
function argumentAt(plan: Uint8Array, step: number): number {
  const steps = new DataView(plan.buffer, plan.byteOffset).getUint32(wire.PLAN_OFFSETS.steps, true);
  return steps + step * wire.STEP_SIZE + wire.STEP_OFFSETS.arguments;
}

/** 64-bit numbers as pairs of 32 bits, the lower ones first. */
function words(stamp: Stamp): number[] {
  return stamp.flatMap((number) => [Number(number & 0xffffffffn), Number(number >> 32n)]);
}
