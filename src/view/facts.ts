import type { ContainerRecord } from '../container/record.js';
import { sharesOf } from '../container/record.js';
import { type Container, readContainer } from '../container/store.js';
import { readLeases } from '../network/leases.js';
import { listNetworks } from '../network/store.js';
import { FosterError } from '../sys/errors.js';
import { planRow } from './plan.js';
import type { ContainerRow, EndpointRow, LayerRow, NetworkRow, PlanRow, StackRow } from './scene.js';
import { lowerLayers, ownLayer, stackRow } from './stack.js';

/** Milliseconds between two looks at what one of the containers has written: a helper process compares it with its image. */
const BETWEEN_CHANGES = 5000;

interface Known {
  /** The process that it was when this was found out. */
  hostPid: number;
  record: ContainerRecord;
  lower: LayerRow[];
  own?: LayerRow | undefined;
  plan?: PlanRow | undefined;
}

/** What is known of containers besides their processes: it changes seldom, and is looked at seldom. */
export class ContainerFacts {
  readonly #known = new Map<string, Known>();
  #isReading = false;
  #readAt = 0;
  #next = 0;

  /** Finds out about containers that are new, and forgets those that are gone. @param containers ids, with the pid of PID 1 */
  async look(containers: readonly { id: string; hostPid: number }[]): Promise<void> {
    const present = new Map(containers.map(({ id, hostPid }) => [id, hostPid]));
    for (const id of this.#known.keys()) if (!present.has(id)) this.#known.delete(id);
    for (const [id, hostPid] of present) {
      const container = this.#known.get(id)?.hostPid === hostPid ? undefined : readContainer(id);
      if (container !== undefined) this.#known.set(id, await factsOf(container, hostPid));
    }
    if (!this.#isReading && Date.now() - this.#readAt >= BETWEEN_CHANGES) void this.#readOwnLayer();
  }

  /** Of one container after the other. Does not fail: what it is about may be gone. */
  async #readOwnLayer(): Promise<void> {
    const ids = [...this.#known.keys()];
    const id = ids.find((one) => this.#known.get(one)?.own === undefined) ?? ids[this.#next++ % ids.length];
    const container = id === undefined ? undefined : readContainer(id);
    if (container === undefined) return;
    this.#isReading = true;
    try {
      const own = await ownLayer(container);
      const known = this.#known.get(container.record.id);
      if (known !== undefined && own !== undefined) known.own = own;
    } catch {
      // the next look says it again, or finds that it is gone
    } finally {
      this.#isReading = false;
      this.#readAt = Date.now();
    }
  }

  stacks(): [string, StackRow][] {
    return [...this.#known].map(([id, { record, lower, own }]) => [
      id,
      stackRow(record, own === undefined ? lower : [own, ...lower]),
    ]);
  }

  plans(): [string, PlanRow][] {
    return [...this.#known].flatMap(([id, { plan }]) => (plan === undefined ? [] : [[id, plan]]));
  }

  /** How a container is connected. */
  connection(id: string): Pick<ContainerRow, 'network' | 'ports'> {
    const record = this.#known.get(id)?.record;
    if (record === undefined) return {};
    const ports = (record.published ?? []).map(({ hostIp, hostPort, containerPort, protocol }) => ({
      host: `${hostIp.includes(':') ? `[${hostIp}]` : hostIp || '0.0.0.0'}:${hostPort}`,
      container: `${containerPort}/${protocol}`,
    }));
    return { network: networkOf(record), ...(ports.length > 0 && { ports }) };
  }

  networks(): [string, NetworkRow][] {
    return listNetworks().map(({ name, subnets, isInternal }) => [
      name,
      {
        subnets: subnets.map(({ subnet }) => subnet),
        gateways: subnets.map(({ gateway }) => gateway),
        isInternal,
      },
    ]);
  }

  /** The interfaces of containers that run. */
  endpoints(running: ReadonlySet<string>): [string, EndpointRow][] {
    return readLeases()
      .filter(({ container }) => running.has(container))
      .map(({ container, network, name, addresses, mac }) => [
        `${container} ${name}`,
        { container, network, name, addresses, mac },
      ]);
  }
}

async function factsOf({ record }: Container, hostPid: number): Promise<Known> {
  return { hostPid, record, lower: lowerLayers(record), plan: await planOrNothing(record) };
}

/** @returns undefined for a container that could not be made again as it is: a folder that it was made from is gone */
async function planOrNothing(record: ContainerRecord): Promise<PlanRow | undefined> {
  try {
    return await planRow(record);
  } catch (error) {
    if (error instanceof FosterError) return undefined;
    throw error;
  }
}

function networkOf(record: ContainerRecord): string {
  const shares = sharesOf(record);
  if (shares?.types.includes('network')) {
    const other = readContainer(shares.of)?.record.name ?? shares.of.slice(0, 12);
    return `container ${other}`;
  }
  if (record.pasta !== undefined) return 'pasta';
  if (record.joinsNetwork !== undefined) return record.joinsNetwork;
  if (!record.spec.linux.namespaces.some(({ type }) => type === 'network')) return 'host';
  return record.networks?.map(({ name }) => name).join(', ') || 'none';
}
