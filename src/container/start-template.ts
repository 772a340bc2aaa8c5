import { join } from 'node:path';
import { encodeRunTemplate, type RunFacts, type RunTemplate, stampOf } from '../init/template.js';
import { cgroupsText } from '../launch/noted-cgroups.js';
import { namespaceFlags } from '../plan/namespaces.js';
import { parseDetachKeys } from '../spec/parse/detach-keys.js';
import { writeFileAtomically } from '../sys/files.js';
import { containerFolder } from '../sys/paths.js';
import { sightings } from '../sys/sightings.js';
import { encodedHelper } from './background.js';
import { searchPath } from './exec-template.js';
import { dependsOnOwnFiles, memberTemplate, podTemplate } from './pod-template.js';
import { type ContainerRecord, recordJson } from './record.js';
import {
  CODE,
  connectedBlobs,
  connectedFor,
  type DoneRun,
  type FillablePlan,
  factsOf,
  flagsOf,
  isOpaqueFor,
  isStartRepeatable,
  namedTexts,
  wholeFailures,
  writeTemplate,
} from './run-template.js';
import { readContainer } from './store.js';

type StartedContainer = Pick<DoneRun, 'record' | 'plan' | 'monitor' | 'network'>;

/** The name of the file in the container's folder. */
const FILE = 'start';

/**
 * Leaves in the container's folder what the front needs to start it again without Node: src/init/front. If that fails, the
 * next start is done by Node, too.
 */
export function keepStartTemplate({ record, plan, monitor, network }: StartedContainer): void {
  const facts = factsOf([], false, record.id);
  const connected = connectedFor({ record, plan, network }, record.name, []);
  if (facts.seen.isOpaque || connected === undefined || !isStartRepeatable({ record, plan, monitor })) return;
  const pod = podTemplate(record, undefined, network);
  if (pod === undefined && record.pod !== undefined) return;
  const folder = containerFolder(record.id);
  const stamps = { config: stampOf(join(folder, 'config.json')), cgroups: stampOf(join(folder, 'cgroups')) };
  if (!isCurrent(record)) return;
  const template = encoded({ record, plan, monitor }, facts, { connected, stamps, pod });
  write(join(folder, FILE), template);
}

/**
 * Leaves what the front needs to start the infra container of such a pod without Node, also of another pod that is made in the same way.
 */
export function keepInfraTemplate({ record, plan, monitor, network }: StartedContainer): void {
  const facts = factsOf([], false);
  const connected = connectedFor({ record, plan, network }, record.name, []);
  const pod = podTemplate(record, undefined, network);
  const isRepeatable = !isOpaqueFor(facts, { record }) && isStartRepeatable({ record, plan, monitor });
  if (!isRepeatable || connected === undefined || pod === undefined || !isCurrent(record)) return;
  const cgroups = cgroupsText(plan.cgroup?.places ?? []);
  writeTemplate(
    keyOf('infra', pod.infraRecord),
    encoded({ record, plan, monitor }, facts, { connected, pod, cgroups }),
  );
}

/** Names of those that this process has left, and the ids of all containers that it has started. */
const left = new Set<string>();
const started = new Set<string>();

/**
 * Leaves what the front needs to start such a container of a pod for the first time without Node.
 */
export function keepMemberTemplate({ record, plan, monitor, network }: StartedContainer): void {
  started.add(record.id);
  const pod = memberTemplate(record, network);
  if (pod?.member === undefined) return;
  const key = keyOf('member', pod.member);
  if (left.has(key)) return;
  const facts = factsOf([], false);
  const connected = connectedFor({ record, plan, network }, CODE.name, []);
  const isRepeatable =
    !isOpaqueFor(facts, { record }, started) &&
    !dependsOnOwnFiles(sightings().files, record) &&
    isStartRepeatable({ record, plan, monitor });
  if (!isRepeatable || connected === undefined || !isCurrent(record)) return;
  const texts = namedTexts(record, monitor, CODE.name);
  const template = encoded({ record, plan, monitor: texts.monitor }, facts, {
    ...texts.own,
    connected,
    pod,
    fresh: { id: record.id, created: record.created, volumes: [] },
    cgroups: cgroupsText(plan.cgroup?.places ?? []),
  });
  // whatever else has its name may have it because of that
  if (Buffer.from(template).includes(record.name)) return;
  left.add(key);
  writeTemplate(key, template);
}

/** Whether it says what it said when it was read: it may have been renamed since. */
function isCurrent(record: ContainerRecord): boolean {
  const current = readContainer(record.id)?.record;
  return current !== undefined && recordJson(current) === recordJson(record);
}

/** The name of a template in the folder of all: front/pod.c. */
function keyOf(kind: string, [, one = 0n, two = 0n]: readonly bigint[]): string {
  return `${kind}-${((one << 32n) | two).toString(16).padStart(16, '0')}`;
}

/** What a template of a start has beside what all have. */
type Own = Partial<
  Pick<RunTemplate, 'stamps' | 'pod' | 'fresh' | 'subject' | 'remove' | 'oom' | 'cgroups'>
> & {
  connected: FillablePlan;
};

function encoded(
  { record, plan, monitor }: Pick<DoneRun, 'record' | 'plan' | 'monitor'>,
  facts: RunFacts,
  { connected, ...own }: Own,
): Uint8Array {
  const failures = wholeFailures(monitor);
  const none = '';
  return encodeRunTemplate({
    kind: 'start',
    facts,
    ...connectedBlobs(connected, plan.program, monitor),
    failures: { path: failures, name: failures },
    path: searchPath(plan),
    flags: flagsOf(record, plan),
    cloneFlags: namespaceFlags(plan.namespaces),
    name: none,
    nameWords: { adjectives: none, nouns: none },
    record: none,
    restart: none,
    event: none,
    subject: none,
    remove: [],
    volumes: [],
    cgroups: none,
    oom: [],
    keys: parseDetachKeys(undefined),
    health: record.health && encodedHelper(record, record.health, plan),
    ...own,
  });
}

function write(path: string, template: Uint8Array): void {
  try {
    writeFileAtomically(path, template, { durable: false });
  } catch {
    // a full disk, or the container has been removed
  }
}
