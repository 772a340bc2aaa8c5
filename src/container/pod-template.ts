import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { maskedStamp, type PodMasks, type PodTemplate, stampOf } from '../init/template.js';
import { readLeases } from '../network/leases.js';
import { hostAddress } from '../network/outside.js';
import type { Plan } from '../plan/step.js';
import { addressBytes, parseAddress } from '../spec/addresses.js';
import { containerFolder, dataFolder, podFolder } from '../sys/paths.js';
import { type Sighting, seenStamp, unseen } from '../sys/sightings.js';
import { wire } from '../sys/wire-constants.js';
import type { Attachment } from './network-draft.js';
import { codeLines, type FillableText } from './network-template.js';
import type { ContainerRecord } from './record.js';

/**
 * What the front needs to start the next such container in its pod, or in another one that was made in the same way: the records of both
 * pods are the same then but for ids and times (src/init/front/pod.c).
 */

/** The address of the other containers of a pod, in /etc/hosts. */
const EACH_OTHER = '127.0.0.1';

/** In texts, in place of the pod's address. */
const ADDRESS = String.fromCharCode(wire.CODE_ADDRESS);

/**
 * The plan of a container in a pod, whose /etc/hosts may have its name, and the pod's address.
 * @param name the container's, or a code in place of one that the front is to put there
 * @returns undefined if the front cannot join the pod
 */
export function joinedPlan(
  record: ContainerRecord,
  plan: Plan,
  attachment: Attachment,
  name: string,
): FillableText | undefined {
  const { hosts, leases, facts } = attachment;
  // a network of its own, in the users of the pod
  if (leases.length > 0 || facts !== undefined) return undefined;
  const isKnown = hosts.some((entry) => entry.address === EACH_OTHER && entry.name === record.name);
  const named = isKnown
    ? codeLines(plan, line(EACH_OTHER, record.name), line(EACH_OTHER, name))
    : { plan, texts: [] };
  const address = addressOf(attachment);
  if (address === undefined) return named;
  const own = hosts.find((entry) => entry.address === address)?.name;
  if (own === undefined || !isPlain(address)) return undefined;
  const coded = codeLines(named.plan, line(address, own), line(ADDRESS, own));
  const texts = [...new Set([...named.texts, ...coded.texts])].sort((one, other) => one - other);
  // whatever else has it may have it because of the pod
  return JSON.stringify(coded.plan.init).includes(address) ? undefined : { plan: coded.plan, texts };
}

/** The address of the pod, where its containers see it; undefined if it has none. '' if there are several. */
function addressOf({ joined, hosts }: Attachment): string | undefined {
  const all = unseen(() => (joined === undefined ? [] : readLeases(joined.id)));
  const [address, ...others] = all.flatMap(({ addresses }) => addresses);
  if (address === undefined || !hosts.some((entry) => entry.address === address)) return undefined;
  return others.length > 0 ? '' : address;
}

function isPlain(address: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(address);
}

function networkOf(attachment: Attachment | undefined): number {
  if (attachment?.joined === undefined || attachment.lock === undefined) return wire.POD_NETWORK_NONE;
  return addressOf(attachment) === undefined ? wire.POD_NETWORK_BELOW : wire.POD_NETWORK_ADDRESS;
}

function line(address: string, name: string): string {
  return `\n${address}\t${name}\n`;
}

/**
 * The pod of a container, as its template has it.
 * @param words those of the command line; undefined for a container that exists
 * @returns undefined if the template could not tell whether another pod is the same
 */
export function podTemplate(
  { pod, shares, isInfra, id }: ContainerRecord,
  words: readonly string[] | undefined,
  network: Attachment | undefined,
): PodTemplate | undefined {
  const infra = isInfra ? id : shares?.of;
  if (pod === undefined || infra === undefined) return undefined;
  const file = join(containerFolder(infra), 'config.json');
  const [record, infraRecord] = unseen(() =>
    [join(podFolder(pod), 'config.json'), file].map((path) => readFileSync(path, 'utf8')),
  );
  // whether it is the one that the plan was made from; who starts an infra container compares the record that it has read
  const seen = seenStamp(file);
  const isSame = isInfra ?? seen?.every((number, index) => stampOf(file)[index] === number) ?? false;
  if (record === undefined || infraRecord === undefined || !isSame) return undefined;
  const { name, created } = JSON.parse(record);
  const masks: PodMasks = { id: pod, infra, created, infraCreated: JSON.parse(infraRecord).created };
  // a pod can also be named by its id, which another one has not
  const host = unseen(hostAddress);
  const isNamed = words?.some((word) => word === name || word === `--pod=${name}`) ?? true;
  if (!isNamed) return undefined;
  return {
    reference: words === undefined ? '' : name,
    id: pod,
    infra,
    record: maskedStamp(record, masks),
    infraRecord: maskedStamp(infraRecord, masks),
    host: network?.hosts.some(({ address }) => address === host)
      ? Buffer.from(addressBytes(parseAddress(host) ?? 0n, 4))
      : undefined,
    network: networkOf(network),
  };
}

/**
 * The pod of a container that exists, for a template that serves every such container: the record of each says the same but for its id, its
 * name and its time.
 */
export function memberTemplate(
  record: ContainerRecord,
  network: Attachment | undefined,
): PodTemplate | undefined {
  const template = podTemplate(record, undefined, network);
  if (template === undefined) return undefined;
  const { id, created, name } = record;
  const [own = '', pod = '', infra = ''] = unseen(() =>
    [containerFolder(id), podFolder(template.id), containerFolder(template.infra)].map((folder) =>
      readFileSync(join(folder, 'config.json'), 'utf8'),
    ),
  );
  const masks: PodMasks = {
    id: template.id,
    infra: template.infra,
    created: JSON.parse(pod).created,
    infraCreated: JSON.parse(infra).created,
    member: { id, created, name },
  };
  return { ...template, member: maskedStamp(own, masks) };
}

/** Whether planning has looked at files of the container's own, which those of the next one may be different from. */
export function dependsOnOwnFiles(files: readonly Sighting[], { id }: Pick<ContainerRecord, 'id'>): boolean {
  return files.some(({ path }) => path.startsWith(`${containerFolder(id)}/upper/`));
}

/**
 * Whether planning has read the record of another container than that one and its pod's infra container.
 * @param planned those that this process has planned before, which have been read for themselves
 */
export function dependsOnOthers(
  files: readonly Sighting[],
  { id, shares }: Pick<ContainerRecord, 'id' | 'shares'>,
  planned: Iterable<string> = [],
): boolean {
  const own = new Set([id, shares?.of, ...planned]);
  const start = `${dataFolder()}/containers/`;
  return files.some(
    ({ path }) =>
      path.startsWith(start) &&
      path.endsWith('/config.json') &&
      !own.has(path.slice(start.length).split('/')[0]),
  );
}
