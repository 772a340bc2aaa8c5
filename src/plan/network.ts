import { addressBytes, familyOf, parseAddress, parseSubnet } from '../spec/addresses.js';
import type { InterfaceAddress, InterfaceFacts, NetworkFacts, PlanFacts } from './facts.js';
import { addAddress, addRoute, deleteLink, deleteRoute, makeVeth, setQueueLength, setUp } from './netlink.js';
import { type Bytes, type ChangeNetwork, constant, type HostStep, type Step, step } from './step.js';

/** Brings up `lo`, the only interface in a new network namespace: netdevice(7). */
export function loopbackUp(): Step[] {
  const why = 'bring up the loopback interface';
  const request = Buffer.alloc(40); // struct ifreq
  request.write('lo', 0);
  request.writeUInt16LE(0x41, 16);
  const ifreq: Bytes = { bytes: request, text: '{ifr_name="lo", ifr_flags=IFF_UP|IFF_RUNNING}' };
  return [
    step(why, 'socket', [constant('AF_INET', 2), constant('SOCK_DGRAM|SOCK_CLOEXEC', 2 | 0o2000000), 0], {
      result: 'socket',
    }),
    step(why, 'ioctl', [{ result: 'socket' }, constant('SIOCSIFFLAGS', 0x8914), ifreq]),
    step(why, 'close', [{ result: 'socket' }]),
  ];
}

/** The link-local address of the IPv6 router, the same on every interface of the network holder. */
export const LINK_ROUTER = 'fe80::1';

/**
 * Connects the container's network namespace to the networks, from outside: veth(4), rtnetlink(7).
 * @param options.isSeen it cannot be entered yet, so PID 1 does its part itself: `configureNetworks`
 */
export function attachNetworks({ interfaces, service }: NetworkFacts, { isSeen = false } = {}): HostStep[] {
  const all = interfaces.flatMap(attachInterface);
  const steps = isSeen ? all.filter(({ where }) => where === 'holder') : all;
  if (service === undefined) return steps;
  return [
    ...steps,
    {
      kind: 'start',
      name: service.name,
      args: service.args,
      call: service.call,
      why: 'listen on the published ports, and carry connections to them into the container',
      parts: service.parts,
      stopTimeout: 1000,
      undo: 'it ends with PID 1',
      earlyExit: { errnos: [], why: '', advice: '' },
    },
  ];
}

/** What PID 1 does to connect itself, where nobody else can enter its network namespace. */
export function configureNetworks({ interfaces }: NetworkFacts): Step[] {
  return interfaces
    .flatMap(attachInterface)
    .filter(({ where }) => where === 'container')
    .map(({ why, messages, call }) => {
      const bytes: Bytes = { bytes: messages, text: call };
      return step(why, 'netlink', [bytes, messages.length]);
    });
}

/** A pasta(1) of the container's own, which is outside of it. */
export function startPasta({
  name,
  args,
  call,
  device,
  queueLength,
}: NonNullable<PlanFacts['pasta']>): HostStep[] {
  const why = 'connect the container to the outside';
  return [
    {
      ...{ name, args, call, why },
      kind: 'start',
      parts: { 0: { why } },
      stopTimeout: 0,
      undo: 'it is killed',
      earlyExit: { errnos: [], why: '', advice: '' },
    },
    {
      kind: 'netlink',
      where: 'container',
      messages: setQueueLength(device, queueLength),
      call: `ip link set ${device} txqueuelen ${queueLength}`,
      why: 'let packets wait for pasta',
    },
  ];
}

/** Makes one interface. */
export function attachInterface(facts: InterfaceFacts): ChangeNetwork[] {
  const { network, name, inside: index, device, addresses, mtu } = facts;
  const { message, pidAt } = makeVeth(
    { name: device, index: facts.index },
    { name, index, mac: facts.mac },
    mtu,
  );
  // the interface of an ended container, which the kernel removes with a delay, may still have the index or a route to the address
  const old = deleteLink(facts.index);
  const near = addresses.flatMap(({ address }) => {
    const bytes = bytesOf(address);
    const router = bytes.length === 16 ? [addAddress(facts.index, bytesOf(LINK_ROUTER), 64)] : [];
    return [
      ...router,
      addRoute({ destination: bytes, prefix: bytes.length * 8, index: facts.index, replaces: true }),
    ];
  });
  const list = addresses.map(({ address, prefix }) => `${address}/${prefix}`).join(', ');
  return [
    {
      kind: 'netlink',
      where: 'holder',
      messages: Buffer.concat([old, message, ...near]),
      pidAt: old.length + pidAt,
      call: `ip link add ${device} mtu ${mtu} type veth peer ${name} netns PID; ip route replace ${list} dev ${device}`,
      why: `connect the container to the network ${network}`,
      undo: 'the kernel removes both ends with the network namespace',
      advice: {
        EEXIST: 'another container has the address: try it again',
        EOPNOTSUPP: 'the kernel has no veth devices: modprobe veth, or --network none',
      },
    },
    {
      kind: 'netlink',
      where: 'container',
      messages: Buffer.concat([setUp(index), ...addresses.flatMap((each) => configure(each, index))]),
      call: `ip link set ${name} up; ip address add ${list} dev ${name}${routeCall(addresses)}`,
      why: `give the container its address in the network ${network}`,
    },
  ];
}

/** An interface of a container that runs, as it knows it. */
export interface InsideInterface {
  index: number;
  addresses: readonly InterfaceAddress[];
}

/** Leads a container that runs to the outside by another interface than before. */
export function moveDefaultRoute(from?: InsideInterface, to?: InsideInterface): ChangeNetwork[] {
  const route = ({ address, router }: InterfaceAddress, index: number) => ({
    destination: Buffer.alloc(bytesOf(address).length),
    prefix: 0,
    index,
    gateway: bytesOf(router),
  });
  const old = from?.addresses.map((each) => deleteRoute(route(each, from.index))) ?? [];
  const fresh = to?.addresses.map((each) => addRoute(route(each, to.index))) ?? [];
  if (old.length + fresh.length === 0) return [];
  return [
    {
      kind: 'netlink',
      where: 'container',
      messages: Buffer.concat([...old, ...fresh]),
      call: 'ip route replace default',
      why: 'change the way of the container to the outside',
    },
  ];
}

/** Configures the container's end. It reaches everything through the router, the only other end of the link. */
function configure({ address, prefix, router, isDefault }: InterfaceAddress, index: number): Buffer[] {
  const [bytes, gateway] = [bytesOf(address), bytesOf(router)];
  const subnet = addressBytes(firstOf(address, prefix), bytes.length === 4 ? 4 : 6);
  return [
    addAddress(index, bytes, prefix),
    addRoute({ destination: gateway, prefix: gateway.length * 8, index }),
    addRoute({ destination: subnet, prefix, index, gateway }),
    ...(isDefault ? [addRoute({ destination: Buffer.alloc(bytes.length), prefix: 0, index, gateway })] : []),
  ];
}

/** The first address of the subnet that an address is in. */
function firstOf(address: string, prefix: number): bigint {
  return parseSubnet(`${address}/${prefix}`)?.base ?? 0n;
}

function routeCall(addresses: InterfaceAddress[]): string {
  return addresses
    .flatMap(({ router, isDefault }) => (isDefault ? [`; ip route add default via ${router}`] : []))
    .join('');
}

function bytesOf(text: string): Buffer {
  const [value, family] = [parseAddress(text), familyOf(text)];
  if (value === undefined || family === undefined) throw new Error(`not an address: ${text}`);
  return addressBytes(value, family);
}
