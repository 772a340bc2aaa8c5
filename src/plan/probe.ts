import { familyOf, parseAddress } from '../spec/addresses.js';
import type { ServerProbe } from '../spec/request.js';
import type { Spec } from '../spec/types.js';
import { buildExecPlan, enter } from './exec.js';
import { denyTracing } from './process.js';
import { type Bytes, type Plan, type Step, step } from './step.js';

/**
 * The plan that asks a server in the network of a container: a process that enters only its network, and executes nothing in the
 * container. A pure function. FD.JOIN is a pidfd of the container.
 */
export function buildProbePlan(spec: Spec, probe: ServerProbe): Plan {
  const types = spec.linux.namespaces.map(({ type }) => type);
  const own = types.filter((type) => type === 'user' || type === 'network');
  return {
    ...buildExecPlan(spec, { canSetGroups: false, detached: false }),
    init: [denyTracing(), ...(own.includes('network') ? [enter(own)] : []), ask(probe)],
    process: [],
    terminal: false,
  };
}

function ask({ address, port, http = '' }: ServerProbe): Step {
  const where = socketAddress(address, port);
  const request = Buffer.from(http);
  const text: Bytes = { bytes: request.length > 0 ? request : Buffer.alloc(1), text: JSON.stringify(http) };
  return step('ask the server', 'probe', [where, where.bytes.length, text, request.length]);
}

const [AF_INET, AF_INET6] = [2, 10];

/** `struct sockaddr_in` or `struct sockaddr_in6`: ip(7), ipv6(7). */
function socketAddress(address: string, port: number): Bytes {
  const isSix = familyOf(address) === 6;
  const bytes = Buffer.alloc(isSix ? 28 : 16);
  bytes.writeUInt16LE(isSix ? AF_INET6 : AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  const number = parseAddress(address) ?? 0n;
  const digits = number.toString(16).padStart(isSix ? 32 : 8, '0');
  bytes.write(digits, isSix ? 8 : 4, 'hex');
  return { bytes, text: `{${address}, port ${port}}` };
}
