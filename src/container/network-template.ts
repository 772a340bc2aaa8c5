import { relative } from 'node:path';
import type { LinkMarks, NetworkTemplate } from '../init/template.js';
import { type NetworkDefinition, rangeOf } from '../network/definition.js';
import { networksFolder } from '../network/folder.js';
import { holderState } from '../network/holder.js';
import { type Lease, leaseFile, macOf } from '../network/leases.js';
import { hasNames, namesFile, namesText } from '../network/names.js';
import { hostAddress } from '../network/outside.js';
import { portService } from '../network/ports.js';
import { findNetwork } from '../network/store.js';
import type { InterfaceFacts } from '../plan/facts.js';
import { attachNetworks } from '../plan/network.js';
import type { HostStep, Plan } from '../plan/step.js';
import { addressBytes, formatAddress, parseAddress, sizeOf } from '../spec/addresses.js';
import type { PortMapping } from '../spec/request.js';
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

/** A plan with codes and marks, and what fills them in. */
export interface ConnectedPlan {
  plan: Plan;
  network: NetworkTemplate;
  /** The steps of PID 1 whose second argument is a text with codes, by index. */
  texts: number[];
}

/**
 * For a container that is in one network, with an IPv4 address that foster has chosen; undefined for others.
 * @param record its name is a code if it is a random one
 */
export function connectedPlan(
  record: ContainerRecord,
  plan: Plan,
  { facts, names, leases }: Attachment,
): ConnectedPlan | undefined {
  const [lease, ...others] = leases; // its file is gone if the container has ended by now
  const [wanted] = record.networks ?? [];
  const [link] = facts?.interfaces ?? [];
  if (lease === undefined || wanted === undefined || link === undefined || others.length > 0)
    return undefined;
  if ((wanted.ip ?? wanted.ip6 ?? wanted.mac) !== undefined) return undefined;
  const network = findNetwork(wanted.name);
  const addresses = addressesOf(network);
  const states = statesOf(network);
  const links = markLinks(
    plan.host,
    { link, lease, published: record.published ?? [] },
    addresses?.unused ?? 0,
  );
  if (addresses === undefined || states === undefined || links === undefined) return undefined;
  const { texts, init } = codeTexts(plan, lease.addresses[0] ?? '');
  return {
    plan: { ...plan, init, host: links.host },
    texts,
    network: {
      states,
      host: Buffer.from(addressBytes(parseAddress(hostAddress()) ?? 0n, 4)),
      ...addresses,
      ...leaseTexts(lease, names),
      note: networksNote(record.id, [network]),
      ...(hasNames(network)
        ? {
            namesFile: relative(networksFolder(), namesFile(network, record.id)),
            names: namesText([ADDRESS], namesIn(network, record)),
          }
        : { namesFile: '', names: '' }),
      parts: links.parts,
      marks: links.marks,
    },
  };
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

/** What the lock file of the network holder has to say, word for word; undefined if it runs without a way to the outside. */
function statesOf({ name, id }: NetworkDefinition): string[] | undefined {
  const { layout, prepared, outside, networks = {} } = holderState() ?? {};
  if (outside !== true || networks[name] !== id) return undefined;
  const part = (key: string, value: unknown) => `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  return [part('layout', layout), part('prepared', prepared), part('outside', outside), part(name, id)];
}

/** The host steps that connect it, with marks; undefined if marks are not enough to make the actual ones of them. */
function markLinks(
  host: readonly HostStep[],
  { link, lease, published }: { link: InterfaceFacts; lease: Lease; published: readonly PortMapping[] },
  unused: number,
): { host: HostStep[]; parts: Buffer[]; marks: LinkMarks } | undefined {
  const marked = formatAddress(BigInt(unused), 4);
  const addresses = link.addresses.map((each) => ({ ...each, address: marked }));
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
    ...(published.length > 0 && { service: portService(published, addresses) }),
  });
  const marks = marksOf(MARKED_INDEX, marked);
  const parts = steps.flatMap(partOf);
  const actual = host.flatMap(partOf);
  const made = parts.map((bytes) => replaceAll(bytes, marks, marksOf(lease.index, lease.addresses[0] ?? '')));
  const isEnough = made.length === actual.length && made.every((bytes, at) => actual[at]?.equals(bytes));
  if (!isEnough) return undefined;
  let at = 0;
  return {
    host: host.map((step) => (partOf(step).length > 0 ? (steps[at++] ?? step) : step)),
    parts,
    marks,
  };
}

/** What depends on the address, as it is encoded. */
function partOf(step: HostStep): Buffer[] {
  if (step.kind === 'netlink') return [Buffer.from(step.messages)];
  return step.kind === 'start' ? [Buffer.from(step.args.join('\0'))] : [];
}

function marksOf(index: number, address: string): LinkMarks {
  const number = Buffer.alloc(4);
  number.writeInt32LE(index);
  const device = Buffer.alloc(wire.DEVICE_SIZE);
  device.write(`v${index}`);
  const bytes = Buffer.from(addressBytes(parseAddress(address) ?? 0n, 4));
  return { index: number, device, address: bytes, digits: Buffer.from(bytes.toString('hex')) };
}

function replaceAll(bytes: Buffer, from: LinkMarks, to: LinkMarks): Buffer {
  const copy = Buffer.from(bytes);
  for (const key of ['index', 'device', 'address', 'digits'] as const)
    for (let at = copy.indexOf(from[key]); at >= 0; at = copy.indexOf(from[key], at + 1))
      to[key].copy(copy, at);
  return copy;
}

/** Its lines in /etc/hosts. */
function codeTexts({ init }: Plan, address: string): { texts: number[]; init: Plan['init'] } {
  const texts: number[] = [];
  const steps = init.map((step, index) => {
    const [file, text, ...rest] = step.args;
    if (step.call !== 'write' || file === undefined || typeof text !== 'string') return step;
    const coded = text.replaceAll(`\n${address}\t`, `\n${ADDRESS}\t`);
    if (coded === text) return step;
    texts.push(index);
    return { ...step, args: [file, coded, ...rest] };
  });
  return { texts, init: steps };
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
