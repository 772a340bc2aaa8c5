import { type Caller, type CallOptions, inCall } from './call.js';
import type { CreatePodOptions, PodInfo } from './types.js';

/** The pods of a `Foster`: `foster.pods`. A pod is given by its name, its id or an unambiguous prefix of its id. */
export class Pods {
  readonly #caller: Caller;

  /** @internal */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Creates a pod. Nothing is started: `foster.run` and `foster.create` put containers into it with the option `pod`.
   * @throws FosterError of the kind `conflict` if the name is in use
   * @example
   * await foster.pods.create('shop', { share: ['ipc', 'net', 'uts', 'pid'], ports: ['8080:80'] });
   */
  async create(name?: string, options: CreatePodOptions = {}): Promise<PodInfo> {
    return await this.#call(options, async () => {
      const { podRequestOf } = await import('./request.js');
      const { create, info } = await import('./pods.js');
      return await info(await create(podRequestOf(name, options)));
    });
  }

  /**
   * All pods, the newest first.
   * @throws FosterError
   * @example
   * const ended = (await foster.pods.list()).filter(({ state }) => state === 'Exited');
   */
  async list(options: CallOptions = {}): Promise<PodInfo[]> {
    return await this.#call(options, async () => (await import('./pods.js')).list());
  }

  /**
   * A description of a pod.
   * @throws FosterError of the kind `not-found`
   * @example
   * const { state, containers } = await foster.pods.inspect('shop');
   */
  async inspect(pod: string, options: CallOptions = {}): Promise<PodInfo> {
    return await this.#call(options, async () => (await import('./pods.js')).info(pod));
  }

  /**
   * Starts the containers of a pod that do not run: init containers first, one after the other.
   * @throws FosterError of the kind `conflict` if an init container fails
   * @example
   * await foster.pods.start('shop');
   */
  async start(pod: string, options: CallOptions = {}): Promise<void> {
    await this.#all(options, async () => (await import('./pods.js')).start(pod));
  }

  /**
   * Stops all containers of a pod.
   * @param options.timeout seconds until SIGKILL; negative for no limit
   * @throws FosterError
   * @example
   * await foster.pods.stop('shop', { timeout: 60 });
   */
  async stop(pod: string, options: CallOptions & { timeout?: number } = {}): Promise<void> {
    const { timeout } = options;
    await this.#all(options, async () => (await import('./pods.js')).stop(pod, { timeout }));
  }

  /**
   * Stops a pod, and starts it again.
   * @throws FosterError of the kind `conflict` if an init container fails
   * @example
   * await foster.pods.restart('shop');
   */
  async restart(pod: string, options: CallOptions = {}): Promise<void> {
    await this.#all(options, async () => (await import('./pods.js')).restart(pod));
  }

  /**
   * Sends a signal to the containers of a pod; SIGKILL returns when they have ended.
   * @throws FosterError
   * @example
   * await foster.pods.kill('shop', 'SIGHUP');
   */
  async kill(pod: string, signal: string | number = 'SIGKILL', options: CallOptions = {}): Promise<void> {
    await this.#all(options, async () => (await import('./pods.js')).kill(pod, signal));
  }

  /**
   * Freezes all processes of a pod.
   * @throws FosterError
   * @example
   * await foster.pods.pause('shop');
   */
  async pause(pod: string, options: CallOptions = {}): Promise<void> {
    await this.#all(options, async () => (await import('./pods.js')).pause(pod));
  }

  /**
   * Resumes the processes of a paused pod.
   * @throws FosterError
   * @example
   * await foster.pods.unpause('shop');
   */
  async unpause(pod: string, options: CallOptions = {}): Promise<void> {
    await this.#all(options, async () => (await import('./pods.js')).unpause(pod));
  }

  /**
   * Removes a pod with its containers; with `force` also if they run.
   * @throws FosterError of the kind `conflict` if containers run, `not-found` if there is no such pod
   * @example
   * await foster.pods.remove('shop', { force: true });
   */
  async remove(
    pod: string,
    options: CallOptions & { force?: boolean; timeout?: number } = {},
  ): Promise<void> {
    const { force, timeout } = options;
    await this.#call(options, async () => (await import('./pods.js')).remove(pod, { force, timeout }));
  }

  /**
   * Removes all pods whose containers have ended.
   * @returns their ids
   * @throws FosterError
   * @example
   * const removed = await foster.pods.prune();
   */
  async prune(options: CallOptions = {}): Promise<string[]> {
    return await this.#call(options, async () => (await (await import('./pods.js')).prune()).removed);
  }

  /** Does the same with all containers of a pod. The first failure is thrown. */
  async #all(options: CallOptions, work: () => Promise<unknown[]>): Promise<void> {
    await this.#call(options, async () => {
      const [failure] = await work();
      if (failure !== undefined) throw failure;
    });
  }

  #call<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
    return inCall(this.#caller, options, work);
  }
}
