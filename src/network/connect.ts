import { closeSync } from 'node:fs';
import { addAddress, addRoute, deleteAddress, deleteRoute } from '../plan/netlink.js';
import type { HostStep } from '../plan/step.js';
import { addressBytes, formatSubnet } from '../spec/addresses.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { installCommand } from '../sys/packages.js';
import { findProgram } from '../sys/programs.js';
import { type NetworkDefinition, rangeOf } from './definition.js';
import { startNameServer, stopNameServer } from './dns.js';
import { type Holder, holderState, recordNetworks, runInHolder } from './holder.js';
import { removeNames, withdrawStaleNames } from './names.js';
import { answerFromAllNetworks, forgetResolvers } from './resolvers.js';
import { networkHolder, rulesOf, rulesOfAll } from './router.js';
import { runSteps } from './service.js';

/**
 * Connects a network to the holder, unless it is connected already. The caller must hold the lock of the networks.
 * @param isAlive whether the container with that id is running
 * @returns why containers have no names in the network; undefined if they have, or if the network should have no names
 * @throws FosterError
 */
export function connectNetwork(
  holder: Holder,
  network: NetworkDefinition,
  isAlive: (id: string) => boolean,
): string | undefined {
  withdrawStaleNames(network, isAlive);
  if (holder.state.networks[network.name] === network.id) return undefined;
  const nft = findProgram('nft');
  if (nft === undefined) checkAlone(holder, network);
  // a killed command may have left a name server
  stopNameServers(holder, network);
  runSteps(holder.pidfd, [gatewayStep(network)]);
  if (nft !== undefined) runInHolder(holder.pidfd, nft, ['nft', '-f', '-'], rulesOf(network));
  const missing = startNameServer(holder, network);
  faultPoint('network connected');
  holder.state.networks[network.name] = network.id;
  recordNetworks(holder);
  return missing;
}

/** Gives the router the addresses of the network's gateways. */
export function gatewayStep(network: NetworkDefinition): HostStep {
  const ranges = network.subnets.map(rangeOf);
  const messages = ranges.flatMap(({ family, subnet, gateway }) => [
    deleteAddress(LOOPBACK, addressBytes(gateway, family), family === 4 ? 32 : 128),
    deleteRoute({ destination: addressBytes(subnet.base, family), prefix: subnet.prefix }),
    addAddress(LOOPBACK, addressBytes(gateway, family), family === 4 ? 32 : 128),
    addRoute({ destination: addressBytes(subnet.base, family), prefix: subnet.prefix }),
  ]);
  const text = ranges.map(({ subnet }) => formatSubnet(subnet)).join(', ');
  return {
    kind: 'netlink',
    where: 'holder',
    messages: Buffer.concat(messages),
    call: `ip route add unreachable ${text}`,
    why: `prepare the network ${network.name}`,
  };
}

/**
 * Only rules of nft keep networks apart from each other, and internal ones from the outside, to which there is a way if nft was
 * there when the holder was started.
 * @throws FosterError where the network would need any
 */
function checkAlone({ state }: Holder, { name, isInternal }: NetworkDefinition): void {
  const others = Object.keys(state.networks).filter((other) => other !== name);
  const hasOutside = isInternal && state.outside === true;
  if (others.length === 0 && !hasOutside) return;
  const what = hasOutside
    ? 'the outside'
    : `the ${others.length === 1 ? 'network' : 'networks'} ${others.join(', ')}`;
  throw new FosterError(
    `cannot connect the network ${name}: nothing would keep it apart from ${what}, because nft is not installed`,
    { kind: 'unsupported', advice: installCommand('nft') },
  );
}

/**
 * Has the name servers of a network ask others from now on, if it is connected. To be called with the lock of the networks.
 * @param isAlive whether the container with that id runs
 * @throws FosterError
 */
export function renewNameServer(network: NetworkDefinition, isAlive: (id: string) => boolean): void {
  if (holderState()?.networks[network.name] !== network.id) return;
  const holder = networkHolder(); // our lock keeps it from ending
  try {
    if (holder.state.networks[network.name] !== network.id) return;
    // where this is killed, the next container connects it anew
    delete holder.state.networks[network.name];
    forgetResolvers(holder, network);
    recordNetworks(holder);
    stopNameServer(holder.state.pid, network);
    faultPoint('name server stopped');
    startNameServer(holder, network);
    holder.state.networks[network.name] = network.id;
    recordNetworks(holder);
    faultPoint('name server started');
    answerFromAllNetworks(holder, isAlive);
  } finally {
    closeSync(holder.pidfd);
    closeSync(holder.lock);
  }
}

/**
 * Undoes `connectNetwork` for a network that no container uses any more, so that another network can have its name and its
 * addresses. The caller must hold the lock of the networks.
 * @throws FosterError
 */
export function forgetNetwork(network: NetworkDefinition): void {
  if (holderState() !== undefined) {
    const holder = networkHolder(); // our lock keeps it from ending
    try {
      removeFrom(holder, network);
    } finally {
      closeSync(holder.pidfd);
      closeSync(holder.lock);
    }
  }
  removeNames(network);
}

function stopNameServers(holder: Holder, network: NetworkDefinition): void {
  if (forgetResolvers(holder, network)) recordNetworks(holder);
  stopNameServer(holder.state.pid, network);
}

function removeFrom(holder: Holder, network: NetworkDefinition): void {
  // comes first: if we are killed after this, the next container connects the network again
  if (holder.state.networks[network.name] === network.id) delete holder.state.networks[network.name];
  forgetResolvers(holder, network);
  recordNetworks(holder);
  stopNameServer(holder.state.pid, network);
  const ranges = network.subnets.map(rangeOf);
  const messages = ranges.flatMap(({ family, subnet, gateway }) => [
    deleteRoute({ destination: addressBytes(subnet.base, family), prefix: subnet.prefix }),
    deleteAddress(LOOPBACK, addressBytes(gateway, family), family === 4 ? 32 : 128),
  ]);
  runSteps(holder.pidfd, [
    {
      kind: 'netlink',
      where: 'holder',
      messages: Buffer.concat(messages),
      call: `ip route delete ${ranges.map(({ subnet }) => formatSubnet(subnet)).join(', ')}`,
      why: `remove the network ${network.name}`,
    },
  ]);
  faultPoint('network disconnected');
  const nft = findProgram('nft');
  // in one transaction, so that the rules always apply
  const rules = [
    'flush chain inet foster to-router',
    'flush chain inet foster between',
    rulesOfAll(holder.state),
  ];
  if (nft !== undefined) runInHolder(holder.pidfd, nft, ['nft', '-f', '-'], `${rules.join('\n')}\n`);
}

const LOOPBACK = 1;
