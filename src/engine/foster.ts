import { type Caller, type CallOptions, eachInCall, inCall } from './call.js';
import type {
  BuildOptions,
  ContainerEvent,
  ContainerInfo,
  ContainerResult,
  CopyOptions,
  CreateOptions,
  EventOptions,
  ExecOptions,
  FosterOptions,
  ImageInfo,
  LoadOptions,
  LogEntry,
  LogOptions,
  PullOptions,
  RunOptions,
  RunResult,
  SaveOptions,
  StopOptions,
} from './types.js';

/**
 * Rootless containers, for programs: what the command `foster` does, with the same containers and images.
 *
 * Where a method takes a container, that is its name, its id or an unambiguous start of its id. All methods fail with a
 * `FosterError`, whose `kind` says what kind of failure it is, and all take a `signal` that ends them. Containers
 * live on when the program that has started them ends.
 *
 * @example
 * const foster = new Foster();
 * const r = await foster.run({ root: 'busybox', command: ['sh', '-c', 'echo hi; exit 3'], remove: true });
 * console.log(r.exitCode, r.stdout); // 3 'hi\n'
 */
export class Foster {
  /** Images: pull, build, load, save, list, remove. */
  readonly images: Images;
  readonly #caller: Caller;

  constructor({ env = process.env, storageDriver }: FosterOptions = {}) {
    this.#caller = { env: { ...env }, storageDriver };
    this.images = new Images(this.#caller);
  }

  /**
   * Runs a container and waits until it has ended. An exit code other than 0 is a result, not a failure.
   * @throws FosterError where the program could not be run: with the `exitCode` 127 where there is no such program, 126
   * where it cannot be executed; of the kind `interrupted` at `signal`, which kills the container
   * @example
   * const { exitCode, stdout } = await foster.run({
   *   root: 'busybox', command: ['wc', '-c'], stdin: 'hello', remove: true, timeout: 5000,
   * });
   */
  async run(options: RunOptions): Promise<ContainerResult> {
    return await this.#call(options, async () => (await import('./containers.js')).run(options));
  }

  /**
   * Makes a container, and does not start it yet.
   * @returns its id
   * @throws FosterError of the kind `conflict` where the name is in use, `not-found` where there is no such image
   * @example
   * const id = await foster.create({ root: 'busybox', name: 'web', command: ['httpd', '-f'] });
   */
  async create(options: CreateOptions): Promise<string> {
    return await this.#call(options, async () => (await import('./containers.js')).create(options));
  }

  /**
   * Starts a container that does not run, in the background; one that runs is left as it is.
   * @throws FosterError of the kind `not-found`
   * @example
   * await foster.start('web');
   */
  async start(container: string, options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).start(container));
  }

  /**
   * Runs one more process in a container that runs, and waits until it has ended.
   * @throws FosterError of the kind `conflict` where the container does not run
   * @example
   * const { stdout } = await foster.exec('web', { command: ['ps', '-o', 'pid,args'] });
   */
  async exec(container: string, options: ExecOptions): Promise<RunResult> {
    return await this.#call(options, async () => (await import('./processes.js')).exec(container, options));
  }

  /**
   * Waits until a container has ended for good, through all restarts.
   * @returns its exit code
   * @example
   * const code = await foster.wait('job', { signal: AbortSignal.timeout(60_000) });
   */
  async wait(container: string, options: CallOptions = {}): Promise<number> {
    return await this.#call(options, async () => (await import('./containers.js')).wait(container));
  }

  /**
   * Asks a container to end, and kills it when it takes too long. One that does not run is left alone.
   * @example
   * await foster.stop('web', { timeout: 2 }); // seconds
   */
  async stop(container: string, options: StopOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).stop(container, options));
  }

  /**
   * Sends a signal to a container's process; SIGKILL ends all of its processes, and returns when they have ended.
   * @throws FosterError of the kind `conflict` where it does not run
   * @example
   * await foster.kill('web', 'SIGHUP');
   */
  async kill(container: string, signal = 'SIGKILL', options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).kill(container, signal));
  }

  /**
   * Removes a container with all that it has written; with `force` also one that runs.
   * @throws FosterError of the kind `conflict` where it runs
   * @example
   * await foster.remove('web', { force: true });
   */
  async remove(container: string, options: CallOptions & { force?: boolean } = {}): Promise<void> {
    const { force = false } = options;
    await this.#call(options, async () => (await import('./containers.js')).remove(container, force));
  }

  /**
   * All containers, the newest first.
   * @example
   * const running = (await foster.list()).filter(({ status }) => status === 'running');
   */
  async list(options: CallOptions = {}): Promise<ContainerInfo[]> {
    return await this.#call(options, async () => (await import('./containers.js')).list());
  }

  /**
   * A container as it is now.
   * @throws FosterError of the kind `not-found`
   * @example
   * const { status, exitCode } = await foster.inspect('web');
   */
  async inspect(container: string, options: CallOptions = {}): Promise<ContainerInfo> {
    return await this.#call(options, async () => (await import('./containers.js')).inspect(container));
  }

  /**
   * What a container has written, and with `follow` what it writes until it has ended. `break` ends it.
   * @example
   * for await (const { stream, data } of foster.logs('web', { follow: true })) process[stream].write(data);
   */
  logs(container: string, options: LogOptions = {}): AsyncGenerator<LogEntry, void, undefined> {
    return eachInCall(this.#caller, options, async function* () {
      const { logs } = await import('./containers.js');
      yield* logs(container, options);
    });
  }

  /**
   * What happens to containers: from now on, or since an instant. `break` ends it.
   * @example
   * for await (const { action, name } of foster.events()) if (action === 'die') console.log(name);
   */
  events(options: EventOptions = {}): AsyncGenerator<ContainerEvent, void, undefined> {
    return eachInCall(this.#caller, options, async function* () {
      const { events } = await import('./containers.js');
      yield* events(options);
    });
  }

  /**
   * Copies a file or directory of the host to a container, running or not. A directory goes into a `destination` that
   * exists, and becomes one that does not; `DIRECTORY/.` means what is in it.
   * @example
   * await foster.copyTo('web', './site/.', '/var/www');
   */
  async copyTo(
    container: string,
    source: string,
    destination: string,
    options: CopyOptions = {},
  ): Promise<void> {
    await this.#call(options, async () => {
      const { copy } = await import('./processes.js');
      await copy('copy-in', container, source, destination, options);
    });
  }

  /**
   * Copies a file or directory of a container to the host.
   * @example
   * await foster.copyFrom('web', '/etc/nginx', './nginx');
   */
  async copyFrom(
    container: string,
    source: string,
    destination: string,
    options: CopyOptions = {},
  ): Promise<void> {
    await this.#call(options, async () => {
      const { copy } = await import('./processes.js');
      await copy('copy-out', container, source, destination, options);
    });
  }

  #call<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
    return inCall(this.#caller, options, work);
  }
}

/** The images of a `Foster`: `foster.images`. */
export class Images {
  readonly #caller: Caller;

  /** @internal */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Downloads an image from its registry, or what is newer of it. What an interrupted pull has downloaded is not
   * downloaded again.
   * @throws FosterError of the kind `not-found` or `denied` where the registry says so
   * @example
   * await foster.images.pull('alpine:3.20', { onProgress: console.log });
   */
  async pull(name: string, options: PullOptions = {}): Promise<ImageInfo> {
    return await this.#call(options, async () => (await import('./images.js')).pull(name, options));
  }

  /**
   * Builds an image from a Dockerfile. Steps that were done before are not done again.
   * @throws FosterError with the line of the Dockerfile
   * @example
   * const { id } = await foster.images.build({ context: '.', tags: ['web'], onProgress: console.log });
   */
  async build(options: BuildOptions): Promise<ImageInfo> {
    return await this.#call(options, async () => (await import('./images.js')).build(options));
  }

  /**
   * Loads all images of an archive, as `docker save` and `podman save` write it, or of an OCI directory.
   * @example
   * const [image] = await foster.images.load({ input: 'app.tar' });
   */
  async load(options: LoadOptions): Promise<ImageInfo[]> {
    return await this.#call(options, async () => (await import('./images.js')).load(options));
  }

  /**
   * Writes images to an archive, which is there as a whole or not at all.
   * @throws FosterError of the kind `not-found`
   * @example
   * await foster.images.save(['web', 'alpine:3.20'], { output: 'app.tar' });
   */
  async save(names: readonly string[], options: SaveOptions): Promise<void> {
    await this.#call(options, async () => (await import('./images.js')).save(names, options));
  }

  /**
   * All images.
   * @example
   * const names = (await foster.images.list()).flatMap(({ names }) => names);
   */
  async list(options: CallOptions = {}): Promise<ImageInfo[]> {
    return await this.#call(options, async () => (await import('./images.js')).list());
  }

  /**
   * Removes a name of an image, and with the last one all of it that nothing else uses.
   * @throws FosterError of the kind `not-found`; where a container was made from it, unless `force` is given
   * @example
   * await foster.images.remove('web');
   */
  async remove(name: string, options: CallOptions & { force?: boolean } = {}): Promise<void> {
    const { force = false } = options;
    await this.#call(options, async () => (await import('./images.js')).remove(name, force));
  }

  #call<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
    return inCall(this.#caller, options, work);
  }
}
