import { type Caller, type CallOptions, inCall } from './call.js';
import type {
  BuildOptions,
  ImageInfo,
  LoadOptions,
  PullOptions,
  PushedImageInfo,
  PushOptions,
  SaveOptions,
} from './types.js';

/**
 * The images of a `Foster`: `foster.images`. An image is given by its name, its id or an unambiguous prefix of its id.
 */
export class Images {
  readonly #caller: Caller;

  /** @internal */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Downloads an image from its registry, or what is new of it. What an interrupted pull has downloaded is not
   * downloaded again.
   * @throws FosterError of the kind `not-found` or `denied` if the registry says so
   * @example
   * await foster.images.pull('alpine:3.20', { onProgress: console.log });
   */
  async pull(name: string, options: PullOptions = {}): Promise<ImageInfo> {
    return await this.#call(options, async () => {
      const { transferRequest } = await import('./image-requests.js');
      return await (await import('./images.js')).pull(name, transferRequest(options));
    });
  }

  /**
   * Uploads an image to the registry that its name, or the name given with `source`, says.
   * @throws FosterError of the kind `not-found` if there is no such image, `denied` if the registry says so
   * @example
   * const { digest } = await foster.images.push('registry.example.com/team/app:1.0', { source: 'app' });
   */
  async push(name: string, options: PushOptions = {}): Promise<PushedImageInfo> {
    return await this.#call(options, async () => {
      const { transferRequest } = await import('./image-requests.js');
      const { push } = await import('./images.js');
      const pushed = await push(name, transferRequest(options), options.source);
      return { name: pushed.name, digest: pushed.digest };
    });
  }

  /**
   * Builds an image from a Dockerfile. Steps that an earlier build has done are not repeated.
   * @throws FosterError with the line of the Dockerfile
   * @example
   * const { id } = await foster.images.build({ context: '.', tags: ['web'], onProgress: console.log });
   */
  async build(options: BuildOptions): Promise<ImageInfo> {
    return await this.#call(options, async () => {
      const { surroundings } = await import('../sys/surroundings.js');
      const { buildRequest } = await import('./image-requests.js');
      const { build } = await import('./builds.js');
      const { info } = await import('./images.js');
      return await info(await build(await buildRequest(options), surroundings().progress));
    });
  }

  /**
   * Loads all images of an archive, as `docker save` and `podman save` write it, or of an OCI directory.
   * @throws FosterError; then none of the images is there
   * @example
   * const [image] = await foster.images.load({ input: 'app.tar' });
   */
  async load(options: LoadOptions): Promise<ImageInfo[]> {
    return await this.#call(options, async () => {
      const { info, load } = await import('./images.js');
      const loaded = await load(options.input, options);
      return await Promise.all(loaded.map(({ id }) => info(id)));
    });
  }

  /**
   * Writes images to an archive, which is there as a whole or not at all.
   * @throws FosterError of the kind `not-found`
   * @example
   * await foster.images.save(['web', 'alpine:3.20'], { output: 'app.tar' });
   */
  async save(names: readonly string[], options: SaveOptions): Promise<void> {
    const { format = 'docker-archive', output } = options;
    await this.#call(options, async () => (await import('./images.js')).save(names, { format, output }));
  }

  /**
   * Gives an image another name, which is taken from any image that has it now.
   * @throws FosterError of the kind `not-found`
   * @example
   * await foster.images.tag('web', 'registry.example.com/team/web:1.0');
   */
  async tag(image: string, name: string, options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./images.js')).tag(image, [name]));
  }

  /**
   * All images.
   * @throws FosterError
   * @example
   * const names = (await foster.images.list()).flatMap(({ names }) => names);
   */
  async list(options: CallOptions = {}): Promise<ImageInfo[]> {
    return await this.#call(options, async () => (await import('./images.js')).list());
  }

  /**
   * An image as it is now.
   * @throws FosterError of the kind `not-found`
   * @example
   * const { digest, platform } = await foster.images.inspect('alpine');
   */
  async inspect(image: string, options: CallOptions = {}): Promise<ImageInfo> {
    return await this.#call(options, async () => (await import('./images.js')).info(image));
  }

  /**
   * Removes a name of an image, and with its last name all of it that nothing else uses.
   * @throws FosterError of the kind `not-found`; if a container was made from it, unless `force` is given
   * @example
   * await foster.images.remove('web');
   */
  async remove(image: string, options: CallOptions & { force?: boolean } = {}): Promise<void> {
    await this.#call(options, async () => {
      const { failures } = await (await import('./images.js')).remove([image], options);
      if (failures.length > 0) throw failures[0];
    });
  }

  /**
   * Removes images without a name, or with `all` those that no container uses, and all blobs and layers that nothing uses.
   * @returns the ids of the removed images, and how many bytes that has freed
   * @throws FosterError
   * @example
   * const { size } = await foster.images.prune({ all: true });
   */
  async prune(options: CallOptions & { all?: boolean } = {}): Promise<{ removed: string[]; size: number }> {
    return await this.#call(options, async () => {
      const { removed, size } = await (await import('./images.js')).prune({ all: options.all ?? false });
      return { removed: removed.flatMap(({ deleted }) => deleted ?? []), size };
    });
  }

  #call<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
    return inCall(this.#caller, options, work);
  }
}
