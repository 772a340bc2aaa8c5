import { relative } from 'node:path';
import type { LinkMarks, NetworkTemplate } from '../init/template.js';
import { type NetworkDefinition, rangeOf } from '../network/definition.js';
import { networksFolder } from '../network/folder.js';
import type { HolderState } from '../network/holder.js';
import { type Lease, leaseFile, macOf } from '../network/leases.js';
import { hasNames, namesFile, namesText } from '../network/names.js';
import { recipeFor } from '../network/new-holder.js';
import { hostAddress } from '../network/outside.js';
import { portService } from '../network/ports.js';
import { findNetwork } from '../network/store.js';
import type { InterfaceFacts } from '../plan/facts.js';
import { attachNetworks } from '../plan/network.js';
import type { HostStep, Plan } from '../plan/step.js';
import { addressBytes, formatAddress, parseAddress, sizeOf } from '../spec/addresses.js';
import type { HostEntry, PortMapping } from '../spec/request.js';
import { containerFolder } from '../sys/paths.js';
import { wire } from '../sys/wire-constants.js';
import { networksNote } from './events/network-events.js';
import { namesIn } from './network.js';
import type { Attachment } from './network-draft.js';
import type { ContainerRecord } from './record.js';

/**
 * What the front needs to connect the next such container to its network (src/init/front/network.c): everything that depends on
 * the address, with a code or a mark in its place.
 */

/** Stand for what differs, in texts. */
const ADDRESS = String.fromCharCode(wire.CODE_ADDRESS);
const INDEX = String.fromCharCode(wire.CODE_INDEX);
const MAC = String.fromCharCode(wire.CODE_MAC);
const STARTER = String.fromCharCode(wire.CODE_STARTER);

/** The number of an interface that no part of a message looks like. */
const MARKED_INDEX = 0x5f0e57e1;

/** In place of a port of the machine that is chosen. */
export const portCode = (index: number) => String.fromCharCode(wire.CODE_PORT + index);

/** A plan with codes and marks, and what fills them in. */
export interface ConnectedPlan {
  plan: Plan;
  network: NetworkTemplate;
  /** The steps of PID 1 whose second argument is a text with codes, by index. */
  texts: number[];
}

/**
 * For a container that is in one network, with an IPv4 address that foster has chosen; undefined for others.
 * @param name the container's, or a code in place of one that the front is to put there
 * @param chosen the indexes of those published ports for which a free port of the machine is chosen
 */
export function connectedPlan(
  record: ContainerRecord,
  plan: Plan,
  { facts, names, leases, hosts, holderState }: Attachment,
  name: string,
  chosen: readonly number[],
): ConnectedPlan | undefined {
  const [lease, ...others] = leases; // its file is gone if the container has ended by now
  const [wanted] = record.networks ?? [];
  const [link] = facts?.interfaces ?? [];
  if (lease === undefined || wanted === undefined || link === undefined || others.length > 0)
    return undefined;
  if ((wanted.ip ?? wanted.ip6 ?? wanted.mac) !== undefined) return undefined;
  const network = findNetwork(wanted.name);
  const addresses = addressesOf(network);
  const states = statesOf(network, holderState);
  const { published = [] } = record;
  const ports = chosen.flatMap((index) => published[index] ?? []);
  if (ports.length > wire.MOST_PORTS || ports.some(({ hostIp }) => hostIp.includes(':'))) return undefined;
  const links = markLinks(plan.host, { link, lease, published, chosen }, addresses?.unused ?? 0);
  if (addresses === undefined || states === undefined || links === undefined) return undefined;
  const own = hosts.find(({ address }) => address === lease.addresses[0]);
  const coded = codeTexts(plan, own, { from: record.name, to: name });
  return {
    plan: { ...coded.plan, host: links.host },
    texts: coded.texts,
    network: {
      states,
      host: ipv4(hostAddress()),
      ...addresses,
      ...leaseTexts(lease, names),
      note: networksNote(record.id, [network]),
      ...(hasNames(network)
        ? {
            namesFile: relative(networksFolder(), namesFile(network, record.id)),
            names: namesText([ADDRESS], namesIn(network, { ...record, name })),
          }
        : { namesFile: '', names: '' }),
      parts: links.parts,
      marks: links.marks,
      holder: recipeFor(network),
      ports: ports.map(({ hostIp, protocol }) => ({
        address: ipv4(hostIp || '0.0.0.0'),
        isUdp: protocol === 'udp',
      })),
    },
  };
}

function ipv4(text: string): Buffer {
  return Buffer.from(addressBytes(parseAddress(text) ?? 0n, 4));
}

/** Which addresses there are, as numbers, and one that no message has for another reason. Undefined where there are others than IPv4. */
function addressesOf({
  subnets: [first, ...others],
}: NetworkDefinition): (Pick<NetworkTemplate, 'first' | 'last' | 'except'> & { unused: number }) | undefined {
  if (first === undefined || others.length > 0) return undefined;
  const { family, subnet, gateway, pool } = rangeOf(first);
  if (family !== 4) return undefined;
  const reserved = Object.values(first.reserved ?? {}).map((text) => Number(parseAddress(text)));
  const broadcast = Number(subnet.base + sizeOf(subnet) - 1n);
  return {
    first: Number(pool.base),
    last: Number(pool.base + sizeOf(pool) - 1n),
    except: [Number(subnet.base), broadcast, Number(gateway), ...reserved],
    unused: Number(gateway) === broadcast - 1 ? broadcast - 2 : broadcast - 1,
  };
}

/** What the lock file of the network holder has to say, word for word; undefined if it ran without a way to the outside. */
function statesOf({ name, id }: NetworkDefinition, state: HolderState | undefined): string[] | undefined {
  const { layout, prepared, outside, networks = {} } = state ?? {};
  if (outside !== true || networks[name] !== id) return undefined;
  const part = (key: string, value: unknown) => `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  return [part('layout', layout), part('prepared', prepared), part('outside', outside), part(name, id)];
}

/** The host steps that connect it, with marks; undefined if marks are not enough to make the actual ones of them. */
function markLinks(
  host: readonly HostStep[],
  {
    link,
    lease,
    published,
    chosen,
  }: {
    link: InterfaceFacts;
    lease: Lease;
    published: readonly PortMapping[];
    chosen: readonly number[];
  },
  unused: number,
): { host: HostStep[]; parts: Buffer[]; marks: LinkMarks } | undefined {
  const marked = formatAddress(BigInt(unused), 4);
  const addresses = link.addresses.map((each) => ({ ...each, address: marked }));
  const actual = host.flatMap(partOf);
  const numbers = unusedPorts(actual, chosen.length);
  const ports = published.map((port, index) => {
    const at = chosen.indexOf(index);
    return at < 0 ? port : { ...port, hostPort: numbers[at] ?? 0 };
  });
  const steps = attachNetworks({
    interfaces: [
      {
        ...link,
        index: MARKED_INDEX,
        device: `v${MARKED_INDEX}`,
        mac: Buffer.from(macOf(marked).replaceAll(':', ''), 'hex'),
        addresses,
      },
    ],
    ...(published.length > 0 && {
      service: portService(ports, addresses, containerFolder(lease.container)),
    }),
  });
  const marks = marksOf(MARKED_INDEX, marked, numbers);
  const parts = steps.flatMap(partOf);
  const own = chosen.map((index) => published[index]?.hostPort ?? 0);
  const made = parts.map((bytes) =>
    replaceAll(bytes, marks, marksOf(lease.index, lease.addresses[0] ?? '', own)),
  );
  const isEnough = made.length === actual.length && made.every((bytes, at) => actual[at]?.equals(bytes));
  if (!isEnough) return undefined;
  let at = 0;
  return {
    host: host.map((step) => (partOf(step).length > 0 ? (steps[at++] ?? step) : step)),
    parts,
    marks,
  };
}

/** Numbers whose hexadecimal digits appear nowhere, not even by chance. */
function unusedPorts(parts: readonly Buffer[], count: number): number[] {
  const numbers = [];
  for (let port = 0xc0de; numbers.length < count && port < 0xffff; port++)
    if (!parts.some((bytes) => bytes.includes(portDigits(port)))) numbers.push(port);
  return numbers;
}

function portDigits(port: number): Buffer {
  return Buffer.from(port.toString(16).padStart(4, '0'));
}

/** What depends on the address, as it is encoded. */
function partOf(step: HostStep): Buffer[] {
  if (step.kind === 'netlink') return [Buffer.from(step.messages)];
  return step.kind === 'start' ? [Buffer.from(step.args.join('\0'))] : [];
}

function marksOf(index: number, address: string, ports: readonly number[]): LinkMarks {
  const number = Buffer.alloc(4);
  number.writeInt32LE(index);
  const device = Buffer.alloc(wire.DEVICE_SIZE);
  device.write(`v${index}`);
  const bytes = ipv4(address);
  return {
    index: number,
    device,
    address: bytes,
    digits: Buffer.from(bytes.toString('hex')),
    ports: ports.map(portDigits),
  };
}

function replaceAll(bytes: Buffer, from: LinkMarks, to: LinkMarks): Buffer {
  const copy = Buffer.from(bytes);
  const pairs = [
    ...(['index', 'device', 'address', 'digits'] as const).map((key) => [from[key], to[key]] as const),
    ...from.ports.map((mark, index) => [mark, to.ports[index] ?? mark] as const),
  ];
  for (const [mark, text] of pairs)
    for (let at = copy.indexOf(mark); at >= 0; at = copy.indexOf(mark, at + 1)) text.copy(copy, at);
  return copy;
}

/** Its own line in /etc/hosts, which has its address and, if that was known already, its name. */
function codeTexts(plan: Plan, own: HostEntry | undefined, name: { from: string; to: string }): FillableText {
  const names = own?.name.split(' ').map((word) => (word === name.from ? name.to : word));
  return codeLines(plan, `\n${own?.address}\t${own?.name}\n`, `\n${ADDRESS}\t${names?.join(' ')}\n`);
}

/** A plan of which some steps write texts with codes, by index. */
export interface FillableText {
  plan: Plan;
  texts: number[];
}

/** Replaces a line of the files that PID 1 writes. */
export function codeLines(plan: Plan, line: string, coded: string): FillableText {
  const texts: number[] = [];
  const init = plan.init.map((step, index) => {
    const [file, text, ...rest] = step.args;
    if (step.call !== 'write' || file === undefined || typeof text !== 'string') return step;
    const replaced = text.replace(line, () => coded);
    if (replaced === text) return step;
    texts.push(index);
    return { ...step, args: [file, replaced, ...rest] };
  });
  return { plan: { ...plan, init }, texts };
}

function leaseTexts(
  lease: Lease,
  names: readonly string[],
): Pick<NetworkTemplate, 'leaseName' | 'lease' | 'remove'> {
  const file = leaseFile({ index: INDEX, container: lease.container, addresses: [ADDRESS] });
  const text = JSON.stringify({ ...lease, index: INDEX, addresses: [ADDRESS], mac: MAC, starter: STARTER });
  const unquoted = [INDEX, STARTER].reduce((now, code) => now.replace(JSON.stringify(code), code), text);
  return {
    leaseName: relative(networksFolder(), file),
    lease: [ADDRESS, MAC].reduce(
      (now, code) => now.replace(JSON.stringify(code).slice(1, -1), code),
      unquoted,
    ),
    remove: names.map((path) => (path === leaseFile(lease) ? file : path)),
  };
}
