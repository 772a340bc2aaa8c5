import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { type Caller, type CallOptions, eachInCall, inCall } from './call.js';
import type { DoctorReport } from './doctor.js';
import { Images } from './foster-images.js';
import { Kube } from './foster-kube.js';
import { Networks } from './foster-networks.js';
import { Pods } from './foster-pods.js';
import { Volumes } from './foster-volumes.js';
import type {
  AttachOptions,
  ContainerEvent,
  ContainerInfo,
  ContainerResult,
  ContainerStats,
  CopyOptions,
  CreateOptions,
  DoctorOptions,
  EventOptions,
  ExecOptions,
  FosterOptions,
  LogEntry,
  LogOptions,
  ProcessList,
  RunOptions,
  RunResult,
  StatsOptions,
  StopOptions,
  StreamOptions,
  WatchOptions,
} from './types.js';
import type { Look } from './watch.js';

/**
 * Rootless containers for programs. It does what the command `foster` does, with the same containers and images.
 *
 * `container` is a name, an id or an unambiguous prefix of an id. All methods fail with a `FosterError`, whose `kind` says
 * what kind of failure it is, and all take a `signal` that ends them. Containers keep running when the program that
 * started them ends.
 *
 * @example
 * const foster = new Foster();
 * const r = await foster.run({ root: 'busybox', command: ['sh', '-c', 'echo hi; exit 3'], remove: true });
 * console.log(r.exitCode, r.stdout); // 3 'hi\n'
 */
export class Foster {
  /** Images: pull, push, build, load, save, tag, list, inspect, remove, prune. */
  readonly images: Images;
  /** Volumes: create, list, inspect, remove, prune, export, import. */
  readonly volumes: Volumes;
  /** Networks: create, list, inspect, remove, prune, connect, disconnect. */
  readonly networks: Networks;
  /** Pods: create, list, inspect, start, stop, restart, kill, pause, unpause, remove, prune. */
  readonly pods: Pods;
  /** Files of Kubernetes: play, check, down, generate. */
  readonly kube: Kube;
  readonly #caller: Caller;

  /**
   * Only reads the environment.
   * @example
   * const foster = new Foster({ dataRoot: '/srv/containers' });
   */
  constructor({ env = process.env, storageDriver, dataRoot }: FosterOptions = {}) {
    this.#caller = {
      env: { ...env },
      storageDriver,
      dataRoot: dataRoot === undefined ? undefined : resolve(dataRoot),
    };
    this.images = new Images(this.#caller);
    this.volumes = new Volumes(this.#caller);
    this.networks = new Networks(this.#caller);
    this.pods = new Pods(this.#caller);
    this.kube = new Kube(this.#caller);
  }

  /**
   * Runs a container and waits until it has ended. An exit code other than 0 is a result, not a failure.
   * @throws FosterError if the program cannot be executed: with the `exitCode` 127 if it does not exist, else 126; of the
   * kind `interrupted` after `signal`, which kills the container
   * @example
   * const { exitCode, stdout } = await foster.run({
   *   root: 'busybox', command: ['wc', '-c'], stdin: 'hello', remove: true, timeout: 5000,
   * });
   */
  async run(options: RunOptions): Promise<ContainerResult> {
    return await this.#callWithInput(options, async () => {
      const { requestOf } = await import('./request.js');
      const { run } = await import('./run.js');
      return await run(await requestOf(options), options);
    });
  }

  /**
   * Creates a container without starting it.
   * @returns its id
   * @throws FosterError of the kind `conflict` if the name is in use, `not-found` if there is no such image
   * @example
   * const id = await foster.create({ root: 'busybox', name: 'web', command: ['httpd', '-f'] });
   */
  async create(options: CreateOptions): Promise<string> {
    return await this.#call(options, async () => {
      const { requestOf } = await import('./request.js');
      const { create } = await import('./containers.js');
      return await create(await requestOf(options));
    });
  }

  /**
   * Starts a container in the background. Does nothing if it is running already.
   * @throws FosterError of the kind `not-found`
   * @example
   * await foster.start('web');
   */
  async start(container: string, options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).start(container));
  }

  /**
   * Connects streams to a running container, and waits until it has ended. `signal`, `timeout` and `maxOutput` end only
   * the connection. If output is not read for a second, the rest is not delivered, but `logs` has it.
   * @returns the container's exit code, or 0 after the detach keys
   * @throws FosterError of the kind `conflict` if it is not running
   * @example
   * const { exitCode } = await foster.attach('shell', { stdin: process.stdin, stdout: process.stdout });
   */
  async attach(container: string, options: AttachOptions = {}): Promise<RunResult> {
    return await this.#callWithInput(options, async () =>
      (await import('./run.js')).attach(container, options),
    );
  }

  /**
   * Runs one more process in a running container, and waits until it has ended; with `detach`, until it is running.
   * @throws FosterError of the kind `conflict` if the container is not running
   * @example
   * const { stdout } = await foster.exec('web', { command: ['ps', '-o', 'pid,args'] });
   * await foster.exec('web', { command: ['crond', '-f'], detach: true });
   */
  async exec(container: string, options: ExecOptions): Promise<RunResult> {
    return await this.#callWithInput(options, async () =>
      (await import('./exec.js')).exec(container, options),
    );
  }

  /**
   * Waits until a container has ended for good, through all restarts.
   * @returns its exit code
   * @throws FosterError of the kind `not-found`
   * @example
   * const code = await foster.wait('job', { signal: AbortSignal.timeout(60_000) });
   */
  async wait(container: string, options: CallOptions = {}): Promise<number> {
    return await this.#call(options, async () => (await import('./containers.js')).wait(container));
  }

  /**
   * Stops a container: with its stop signal, then with SIGKILL if that takes too long. Does nothing if it is not running.
   * @throws FosterError of the kind `not-found`; of the kind `interrupted` after `signal`: the container may then keep running
   * @example
   * await foster.stop('web', { timeout: 2 }); // seconds
   */
  async stop(container: string, options: StopOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).stop(container, options));
  }

  /**
   * Stops a container, as `stop` does, and starts it again.
   * @throws FosterError of the kind `not-found`
   * @example
   * await foster.restart('web');
   */
  async restart(container: string, options: StopOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).restart(container, options));
  }

  /**
   * Sends a signal to a container's main process. SIGKILL ends all its processes, and the call returns when they have ended.
   * @throws FosterError of the kind `conflict` if it is not running
   * @example
   * await foster.kill('web', 'SIGHUP');
   */
  async kill(container: string, signal = 'SIGKILL', options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).kill(container, signal));
  }

  /**
   * Freezes all processes of a container.
   * @throws FosterError if it is not running, or paused already
   * @example
   * await foster.pause('web');
   */
  async pause(container: string, options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).pause(container));
  }

  /**
   * Resumes the processes of a paused container.
   * @throws FosterError if it is not paused
   * @example
   * await foster.unpause('web');
   */
  async unpause(container: string, options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).unpause(container));
  }

  /**
   * Gives a container another name.
   * @throws FosterError of the kind `conflict` if the name is in use
   * @example
   * await foster.rename('brave_otter', 'web');
   */
  async rename(container: string, name: string, options: CallOptions = {}): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).rename(container, name));
  }

  /**
   * Removes a container and everything it has written; with `force`, kills it first if it is running.
   * @throws FosterError of the kind `conflict` if it is running
   * @example
   * await foster.remove('web', { force: true });
   */
  async remove(
    container: string,
    options: CallOptions & { force?: boolean; volumes?: boolean } = {},
  ): Promise<void> {
    await this.#call(options, async () => (await import('./containers.js')).remove(container, options));
  }

  /**
   * Removes all containers that are not running, and the leftovers of interrupted commands.
   * @returns the ids of the removed containers
   * @throws FosterError for the first container that could not be removed, after removing all others
   * @example
   * const removed = await foster.prune();
   */
  async prune(options: CallOptions = {}): Promise<string[]> {
    return await this.#call(options, async () => {
      const { removed, failures } = await (await import('./containers.js')).prune();
      if (failures.length > 0) throw failures[0];
      return removed;
    });
  }

  /**
   * All containers, the newest first.
   * @throws FosterError
   * @example
   * const running = (await foster.list()).filter(({ status }) => status === 'running');
   */
  async list(options: CallOptions = {}): Promise<ContainerInfo[]> {
    return await this.#call(options, async () => (await import('./containers.js')).list());
  }

  /**
   * The current state of a container.
   * @throws FosterError of the kind `not-found`
   * @example
   * const { status, exitCode } = await foster.inspect('web');
   */
  async inspect(container: string, options: CallOptions = {}): Promise<ContainerInfo> {
    return await this.#call(options, async () => (await import('./containers.js')).info(container));
  }

  /**
   * The processes of a container, with columns of ps(1): those of `ps -ef` by default.
   * @throws FosterError if it is not running, or for a column that does not exist
   * @example
   * const { processes } = await foster.top('web', { columns: ['pid', 'nspid', 'args'] });
   */
  async top(
    container: string,
    options: CallOptions & { columns?: readonly string[] } = {},
  ): Promise<ProcessList> {
    return await this.#call(options, async () =>
      (await import('./processes.js')).list(container, options.columns),
    );
  }

  /**
   * Yields at an interval what containers use. `break` ends it.
   * @throws FosterError of the kind `not-found` if one of `containers` does not exist
   * @example
   * for await (const [web] of foster.stats({ containers: ['web'] })) console.log(web?.usage?.memory); // bytes
   */
  stats(options: StatsOptions = {}): AsyncGenerator<ContainerStats[], void, undefined> {
    return eachInCall(this.#caller, options, async function* () {
      const { stats } = await import('./processes.js');
      yield* stats(options);
    });
  }

  /**
   * Yields at an interval the processes of containers as a tree, and what has happened to them since the last look: who was
   * left by whom and adopted by whom, who has become a zombie. `break` ends it.
   * @throws FosterError of the kind `not-found` if one of `containers` does not exist
   * @example
   * for await (const { events } of foster.watch({ containers: ['web'] }))
   *   for (const event of events) if (event.type === 'adopt') console.log(event.process.name);
   */
  watch(options: WatchOptions = {}): AsyncGenerator<Look, void, undefined> {
    return eachInCall(this.#caller, options, async function* () {
      const { watch } = await import('./watch.js');
      yield* watch(options);
    });
  }

  /**
   * Looks for what keeps containers from running on this machine, or from running well, and says what mends it.
   * @throws FosterError of the kind `not-found` for a check that does not exist
   * @example
   * const problems = (await foster.doctor()).filter(({ level }) => level !== 'ok');
   */
  async doctor(options: DoctorOptions = {}): Promise<DoctorReport[]> {
    return await this.#call(options, async () => (await import('./doctor.js')).doctor(options));
  }

  /**
   * Yields the output of a container; with `follow`, also new output until it has ended. `break` ends it.
   * @throws FosterError of the kind `not-found`, and for a container without a log
   * @example
   * for await (const { stream, data } of foster.logs('web', { follow: true })) process[stream].write(data);
   */
  logs(container: string, options: LogOptions = {}): AsyncGenerator<LogEntry, void, undefined> {
    return eachInCall(this.#caller, options, async function* () {
      const { entries } = await import('./logs.js');
      yield* entries(container, options);
    });
  }

  /**
   * Yields what happens to containers, from now on or from `since`. `break` ends it.
   * @throws FosterError of the kind `invalid` for a filter that does not exist
   * @example
   * for await (const { action, name } of foster.events()) if (action === 'die') console.log(name);
   */
  events(options: EventOptions = {}): AsyncGenerator<ContainerEvent, void, undefined> {
    return eachInCall(this.#caller, options, async function* () {
      const { events } = await import('./events.js');
      yield* events(options);
    });
  }

  /**
   * Copies a file or directory of the host to a container, running or not. If `destination` is an existing directory, the
   * copy is made in it, else the copy gets that name. `DIRECTORY/.` means the contents of the directory.
   * @throws FosterError of the kind `not-found` if there is no such container
   * @example
   * await foster.copyTo('web', './site/.', '/var/www');
   */
  async copyTo(
    container: string,
    source: string,
    destination: string,
    options: CopyOptions = {},
  ): Promise<void> {
    await this.#copy('in', container, source, destination, options);
  }

  /**
   * Copies a file or directory of a container to the host: the opposite of `copyTo`.
   * @throws FosterError of the kind `not-found` if there is no such container
   * @example
   * await foster.copyFrom('web', '/etc/nginx', './nginx');
   */
  async copyFrom(
    container: string,
    source: string,
    destination: string,
    options: CopyOptions = {},
  ): Promise<void> {
    await this.#copy('out', container, source, destination, options);
  }

  async #copy(
    direction: 'in' | 'out',
    container: string,
    source: string,
    destination: string,
    options: CopyOptions,
  ): Promise<void> {
    const { archive = false, followLink = false, overwrite = false } = options;
    await this.#call(options, async () => {
      const { copy } = await import('./copy.js');
      await copy({ direction, container, source, destination, archive, followLink, overwrite });
    });
  }

  /**
   * The stream for standard input may fail before there is a program to read it. That must not end the caller's process,
   * since the call will fail: `carryStreams`.
   */
  async #callWithInput<T>(options: CallOptions & StreamOptions, work: () => Promise<T>): Promise<T> {
    const { stdin } = options;
    const ignore = () => {};
    if (stdin instanceof Readable) stdin.on('error', ignore);
    try {
      return await this.#call(options, work);
    } finally {
      if (stdin instanceof Readable) stdin.off('error', ignore);
    }
  }

  #call<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
    return inCall(this.#caller, options, work);
  }
}
