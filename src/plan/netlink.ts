import { wire } from '../sys/wire-constants.js';

/**
 * Encodes rtnetlink(7) messages that make interfaces, addresses and routes. Pure functions: host steps send the messages.
 * Numbers are in the machine's byte order (little endian on both architectures), addresses in network byte order.
 */

const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_REPLACE = 0x100;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_NEWRULE = 32;

const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  TXQLEN: 13,
  LINKINFO: 18,
  NET_NS_PID: 19,
  AF_SPEC: 26,
} as const;
const IFLA_INET6_ADDR_GEN_MODE = 8;

const [EEXIST, ENODEV] = [17, 19];
const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
const VETH_INFO_PEER = 1;
const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4, FLAGS: 8 } as const;
const IFA_F_NODAD = 2;
const IFA_F_NOPREFIXROUTE = 0x200;
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6 } as const;

const IFF_UP = 1;
const SCOPE = { universe: 0, link: 253 } as const;

/** `AF_INET` and `AF_INET6`. */
const FAMILIES = { 4: 2, 6: 10 } as const;

/** An IP address as its bytes: 4 or 16. */
export type IpBytes = Uint8Array;

const familyOf = (address: IpBytes) => FAMILIES[address.length === 4 ? 4 : 6];

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** struct rtattr: length, type, value. */
function attribute(type: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(4 + value.length, 0);
  head.writeUInt16LE(type, 2);
  return padded(Buffer.concat([head, value]));
}

const text = (value: string) => Buffer.from(`${value}\0`);

function message(type: number, flags: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | flags, 6);
  return Buffer.concat([head, body]);
}

/** struct ifinfomsg. */
function interfaceInfo(index: number, isUp: boolean): Buffer {
  const info = Buffer.alloc(16);
  info.writeInt32LE(index, 4);
  if (isUp) {
    info.writeUInt32LE(IFF_UP, 8);
    info.writeUInt32LE(IFF_UP, 12);
  }
  return info;
}

/** One end of a pair of interfaces. */
export interface VethEnd {
  name: string;
  index: number;
  /** 6 bytes; undefined for a random address. */
  mac?: Uint8Array;
}

/**
 * Makes a pair of interfaces, veth(4): `near` in the sender's network namespace, `far` in the one of another process.
 * @param mtu bytes
 * @returns the message, and the offset in it at which the PID of that process must be written, as 4 bytes
 */
export function makeVeth(near: VethEnd, far: VethEnd, mtu: number): { message: Buffer; pidAt: number } {
  const end = ({ name, mac }: VethEnd, sizeOfName = name.length + 1) => [
    attribute(IFLA.IFNAME, Buffer.from(name.padEnd(sizeOfName, '\0'))),
    attribute(IFLA.MTU, u32(mtu)),
    ...(mac ? [attribute(IFLA.ADDRESS, mac)] : []),
  ];
  const peer = Buffer.concat([
    interfaceInfo(far.index, false), // it cannot be up yet, because its other end does not exist
    ...end(far),
    attribute(IFLA.NET_NS_PID, u32(0)),
  ]);
  const data = attribute(IFLA_INFO.DATA, attribute(VETH_INFO_PEER, peer));
  const info = attribute(IFLA.LINKINFO, Buffer.concat([attribute(IFLA_INFO.KIND, text('veth')), data]));
  const flags = NLM_F_CREATE | NLM_F_EXCL;
  const whole = message(
    RTM_NEWLINK,
    flags,
    interfaceInfo(near.index, true),
    ...end(near, wire.DEVICE_SIZE),
    info,
  );
  return { message: whole, pidAt: whole.length - 4 }; // the PID is the last attribute
}

/** Brings an interface up. @param mtu bytes; undefined if it stays as it is */
export function setUp(index: number, mtu?: number): Buffer {
  const wanted = mtu === undefined ? [] : [attribute(IFLA.MTU, u32(mtu))];
  return message(RTM_NEWLINK, 0, interfaceInfo(index, true), ...wanted);
}

/** Has an interface come up without a link-local IPv6 address, so that the kernel sends nothing there by itself. */
export function omitLinkLocal(index: number): Buffer {
  const NONE = 1;
  const mode = attribute(FAMILIES[6], attribute(IFLA_INET6_ADDR_GEN_MODE, Buffer.of(NONE)));
  return message(RTM_NEWLINK, 0, interfaceInfo(index, false), attribute(IFLA.AF_SPEC, mode));
}

/** Deletes the interface with that index, if there is one. */
export function deleteLink(index: number): Buffer {
  return unless(ENODEV, message(RTM_DELLINK, 0, interfaceInfo(index, false)));
}

/** Sets how many packets may wait to be sent by the interface with that name, if there is one. */
export function setQueueLength(name: string, packets: number): Buffer {
  const wanted = [attribute(IFLA.IFNAME, text(name)), attribute(IFLA.TXQLEN, u32(packets))];
  return unless(ENODEV, message(RTM_NEWLINK, 0, interfaceInfo(0, false), ...wanted));
}

/** Makes an errno count as success: the launcher takes the sequence number for that. */
function unless(errno: number, bytes: Buffer): Buffer {
  bytes.writeUInt32LE(errno, 8);
  return bytes;
}

/** Gives an address to an interface, without a route. It is not checked for duplicates, because no other machine can have it. */
export function addAddress(index: number, address: IpBytes, prefix: number): Buffer {
  const info = Buffer.alloc(8);
  info.writeUInt8(familyOf(address), 0);
  info.writeUInt8(prefix, 1);
  info.writeUInt32LE(index, 4);
  const isShort = address.length === 4;
  return message(
    RTM_NEWADDR,
    NLM_F_CREATE | NLM_F_EXCL,
    info,
    attribute(IFA.LOCAL, address),
    attribute(IFA.ADDRESS, address),
    ...(isShort && prefix < 31 ? [attribute(IFA.BROADCAST, broadcastOf(address, prefix))] : []),
    attribute(IFA.FLAGS, u32(IFA_F_NODAD | IFA_F_NOPREFIXROUTE)),
  );
}

function broadcastOf(address: IpBytes, prefix: number): Buffer {
  const bytes = Buffer.from(address);
  bytes.writeUInt32BE(
    (bytes.readUInt32BE(0) | (prefix === 0 ? 0xffffffff : 2 ** (32 - prefix) - 1)) >>> 0,
    0,
  );
  return bytes;
}

/**
 * Has packets with a mark delivered locally, whatever their destination, for sockets that use addresses of other machines:
 * ip(7), IP_TRANSPARENT. Changes nothing where they are already.
 */
export function deliverMarked(family: 4 | 6, mark: number): Buffer {
  const [TABLE, TO_TABLE, FRA_FWMARK, FRA_TABLE] = [100, 1, 10, 15];
  const [STATIC, HOST, LOCAL, LOOPBACK] = [4, 254, 2, 1];
  const rule = Buffer.alloc(12);
  rule.set([FAMILIES[family], 0, 0, 0, TABLE, 0, 0, TO_TABLE]);
  const route = Buffer.alloc(12);
  route.set([FAMILIES[family], 0, 0, 0, TABLE, STATIC, HOST, LOCAL]);
  return Buffer.concat([
    unless(
      EEXIST,
      message(
        RTM_NEWRULE,
        NLM_F_CREATE | NLM_F_EXCL,
        rule,
        attribute(FRA_FWMARK, u32(mark)),
        attribute(FRA_TABLE, u32(TABLE)),
      ),
    ),
    unless(
      EEXIST,
      message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route, attribute(RTA.OIF, u32(LOOPBACK))),
    ),
  ]);
}

/** A route to `destination`/`prefix`; a default route if `prefix` is 0. */
export interface Route {
  destination: IpBytes;
  prefix: number;
  /** Index of the interface; undefined if the addresses are unreachable, which senders are told. */
  index?: number;
  gateway?: IpBytes;
  /** Of several to the same destination, the kernel takes the one with the lowest. */
  metric?: number;
  /** It takes the place of another one to that destination. */
  replaces?: true;
}

export function addRoute({ destination, prefix, index, gateway, metric, replaces }: Route): Buffer {
  const info = Buffer.alloc(12);
  const scope = index === undefined || gateway !== undefined ? SCOPE.universe : SCOPE.link;
  const [TABLE_MAIN, STATIC, UNICAST, UNREACHABLE] = [254, 4, 1, 7];
  info.set([
    familyOf(destination),
    prefix,
    0,
    0,
    TABLE_MAIN,
    STATIC,
    scope,
    index === undefined ? UNREACHABLE : UNICAST,
  ]);
  return message(
    RTM_NEWROUTE,
    NLM_F_CREATE | (replaces ? NLM_F_REPLACE : 0),
    info,
    ...(prefix > 0 ? [attribute(RTA.DST, destination)] : []),
    ...(index === undefined ? [] : [attribute(RTA.OIF, u32(index))]),
    ...(gateway ? [attribute(RTA.GATEWAY, gateway)] : []),
    ...(metric === undefined ? [] : [attribute(RTA.PRIORITY, u32(metric))]),
  );
}

/** Removes an address of `addAddress` from its interface, if it is there. */
export function deleteAddress(index: number, address: IpBytes, prefix: number): Buffer {
  const EADDRNOTAVAIL = 99;
  return inReverse(addAddress(index, address, prefix), RTM_DELADDR, EADDRNOTAVAIL);
}

/** Deletes a route of `addRoute`, if it exists. */
export function deleteRoute(route: Route): Buffer {
  const ESRCH = 3;
  return inReverse(addRoute(route), RTM_DELROUTE, ESRCH);
}

/** Turns a message into the one that undoes it. @param missing the errno if there is nothing to undo */
function inReverse(bytes: Buffer, type: number, missing: number): Buffer {
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK, 6);
  bytes.writeUInt32LE(missing, 8); // as in deleteLink
  return bytes;
}
