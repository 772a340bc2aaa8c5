import { type Caller, type CallOptions, inCall } from './call.js';
import type { CreateVolumeOptions, VolumeInfo } from './types.js';

/** The volumes of a `Foster`: `foster.volumes`. A volume is given by its name. */
export class Volumes {
  readonly #caller: Caller;

  /** @internal */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Creates a volume. Without a name, it is anonymous.
   * @throws FosterError of the kind `conflict` if the name is in use
   * @example
   * const { mountpoint } = await foster.volumes.create('data', { labels: { project: 'shop' } });
   */
  async create(name?: string, options: CreateVolumeOptions = {}): Promise<VolumeInfo> {
    return await this.#call(options, async () => {
      const { create, info } = await import('./volumes.js');
      return await info(await create({ name, labels: options.labels, options: options.options }));
    });
  }

  /**
   * All volumes, sorted by name.
   * @throws FosterError
   * @example
   * const unused = (await foster.volumes.list()).filter(({ containers }) => containers.length === 0);
   */
  async list(options: CallOptions = {}): Promise<VolumeInfo[]> {
    return await this.#call(options, async () => (await import('./volumes.js')).list());
  }

  /**
   * A description of a volume.
   * @throws FosterError of the kind `not-found`
   * @example
   * const { containers } = await foster.volumes.inspect('data');
   */
  async inspect(volume: string, options: CallOptions = {}): Promise<VolumeInfo> {
    return await this.#call(options, async () => (await import('./volumes.js')).info(volume));
  }

  /**
   * Removes a volume with all its files.
   * @throws FosterError of the kind `conflict` if a container uses it, `not-found` if there is no such volume
   * @example
   * await foster.volumes.remove('data');
   */
  async remove(volume: string, options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./volumes.js')).remove(volume));
  }

  /**
   * Removes anonymous volumes that no container uses; with `all`, named ones, too.
   * @returns their names, and the number of bytes freed
   * @throws FosterError
   * @example
   * const { size } = await foster.volumes.prune();
   */
  async prune(options: CallOptions & { all?: boolean } = {}): Promise<{ removed: string[]; size: number }> {
    return await this.#call(options, async () => {
      const { removed, size, failures } = await (await import('./volumes.js')).prune({ all: options.all });
      if (failures.length > 0) throw failures[0];
      return { removed, size };
    });
  }

  /**
   * Writes the files of a volume to a tar archive. If that fails, no incomplete archive is left.
   * @throws FosterError of the kind `not-found`
   * @example
   * await foster.volumes.export('data', 'data.tar');
   */
  async export(volume: string, output: string, options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./volumes.js')).exportFiles(volume, output));
  }

  /**
   * Unpacks a tar archive into a volume. The archive may be compressed.
   * @throws FosterError of the kind `not-found`
   * @example
   * await foster.volumes.import('data', 'data.tar');
   */
  async import(volume: string, input: string, options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./volumes.js')).importFiles(volume, input));
  }

  #call<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
    return inCall(this.#caller, options, work);
  }
}
