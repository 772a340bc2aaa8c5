import { type Caller, type CallOptions, inCall } from './call.js';
import type { ConnectOptions, CreateNetworkOptions, NetworkInfo, UpdateNetworkOptions } from './types.js';

/** The networks of a `Foster`: `foster.networks`. A network is given by its name, its id or an unambiguous prefix of its id. */
export class Networks {
  readonly #caller: Caller;

  /** @internal */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Creates a network. Without a name, it is called `foster1` or the like.
   * @throws FosterError of the kind `conflict` if the name or the addresses are in use
   * @example
   * const { subnets } = await foster.networks.create('shop', { subnets: ['10.89.7.0/24'] });
   */
  async create(name?: string, options: CreateNetworkOptions = {}): Promise<NetworkInfo> {
    const { subnets, gateways, ranges, ipv6, internal, dns = [], labels } = options;
    return await this.#call(options, async () => {
      const { create, info } = await import('./networks.js');
      const created = await create({
        ...{ name, subnets, gateways, ranges, ipv6, internal, labels },
        hasDns: dns !== false,
        dns: dns === false ? [] : dns,
      });
      return await info(created);
    });
  }

  /**
   * All networks, sorted by name. The default network, `bridge`, always exists.
   * @throws FosterError
   * @example
   * const unused = (await foster.networks.list()).filter(({ containers }) => containers.length === 0);
   */
  async list(options: CallOptions = {}): Promise<NetworkInfo[]> {
    return await this.#call(options, async () => (await import('./networks.js')).list());
  }

  /**
   * A description of a network.
   * @throws FosterError of the kind `not-found`
   * @example
   * const { containers } = await foster.networks.inspect('shop');
   */
  async inspect(network: string, options: CallOptions = {}): Promise<NetworkInfo> {
    return await this.#call(options, async () => (await import('./networks.js')).info(network));
  }

  /**
   * Changes the name servers that a network asks, also while containers are in it.
   * @throws FosterError of the kind `not-found`, `conflict` if containers do not find each other by name in it, `invalid`
   * @example
   * const { nameServers } = await foster.networks.update('shop', { addDns: ['10.0.0.3'], dropDns: ['10.0.0.2'] });
   */
  async update(network: string, options: UpdateNetworkOptions = {}): Promise<NetworkInfo> {
    const { addDns, dropDns } = options;
    return await this.#call(options, async () => {
      const { info, update } = await import('./networks.js');
      return await info(await update(network, { addDns, dropDns }));
    });
  }

  /**
   * Removes a network; with `force` also the containers that are attached to it.
   * @throws FosterError of the kind `conflict` if containers are attached, `not-found` if there is no such network
   * @example
   * await foster.networks.remove('shop');
   */
  async remove(network: string, options: CallOptions & { force?: boolean } = {}): Promise<void> {
    await this.#call(options, async () =>
      (await import('./networks.js')).remove(network, { force: options.force }),
    );
  }

  /**
   * Removes all networks that no container is attached to.
   * @returns their names
   * @throws FosterError
   * @example
   * const removed = await foster.networks.prune();
   */
  async prune(options: CallOptions = {}): Promise<string[]> {
    return await this.#call(options, async () => (await (await import('./networks.js')).prune()).removed);
  }

  /**
   * Attaches a container to one more network.
   * @throws FosterError of the kind `conflict` if it is attached already, or the address is in use
   * @example
   * await foster.networks.connect('shop', 'web', { aliases: ['www'] });
   */
  async connect(network: string, container: string, options: ConnectOptions = {}): Promise<void> {
    const { ip, ip6, mac, aliases } = options;
    await this.#call(options, async () =>
      (await import('./networks.js')).connect(network, container, { ip, ip6, mac, aliases }),
    );
  }

  /**
   * Detaches a container from a network.
   * @throws FosterError of the kind `conflict` if it is not attached
   * @example
   * await foster.networks.disconnect('shop', 'web');
   */
  async disconnect(network: string, container: string, options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./networks.js')).disconnect(network, container));
  }

  #call<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
    return inCall(this.#caller, options, work);
  }
}
