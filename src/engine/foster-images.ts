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
   * Downloads an image from its registry. Layers that are here already are not downloaded again, and an interrupted
   * download continues.
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
   * Uploads an image to the registry in `name`. If the image has another name here, give that as `source`.
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
   * Builds an image from a Dockerfile. Results of earlier builds are used again.
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
   * Loads all images from an archive of `docker save` or `podman save`, or from an OCI directory.
   * @throws FosterError; then none of the images is loaded
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
   * Writes images to an archive. If that fails, no incomplete archive is left.
   * @throws FosterError of the kind `not-found`
   * @example
   * await foster.images.save(['web', 'alpine:3.20'], { output: 'app.tar' });
   */
  async save(names: readonly string[], options: SaveOptions): Promise<void> {
    const { format = 'docker-archive', output } = options;
    await this.#call(options, async () => (await import('./images.js')).save(names, { format, output }));
  }

  /**
   * Gives an image another name. If another image has that name, it loses it.
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
   * A description of an image.
   * @throws FosterError of the kind `not-found`
   * @example
   * const { digest, platform } = await foster.images.inspect('alpine');
   */
  async inspect(image: string, options: CallOptions = {}): Promise<ImageInfo> {
    return await this.#call(options, async () => (await import('./images.js')).info(image));
  }

  /**
   * Removes a name of an image; with its last name, also everything that no other image or container uses.
   * @throws FosterError of the kind `not-found`; of the kind `conflict` if a container was made from it, without `force`
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
   * Removes images without a name, or with `all` every image that no container uses, and all unused blobs and layers.
   * @returns the ids of the removed images, and the number of bytes freed
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
