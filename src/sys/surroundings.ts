/**
 * The caller's environment: nothing below the command line and the library uses the process's own environment
 * variables, terminal or signals. The command line sets one value for its whole process, the library one for each call.
 */
export interface Surroundings {
  /** Environment variables: folders, PATH, proxies, TERM, credentials. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The data folder, if it was chosen; otherwise `foster` in XDG_DATA_HOME of the environment. */
  readonly dataRoot?: string | undefined;
  /** The storage driver, if it was chosen; otherwise FOSTER_STORAGE_DRIVER of the environment. */
  readonly storageDriver?: string | undefined;
  /**
   * The file with credentials for registries, if it was chosen; otherwise REGISTRY_AUTH_FILE of the environment, and
   * the usual files.
   */
  readonly authFile?: string | undefined;
  /** Whether a start leaves a template, from which the next one is done without Node: src/init/front. */
  readonly wantsStartTemplate?: boolean;
  /** Whether the process does nothing else, so that waits may block and signals may be deferred. */
  readonly ownsProcess: boolean;
  /** The terminal on which progress is drawn. */
  readonly screen?: NodeJS.WriteStream | undefined;
  /** Standard input, for `-`. */
  readonly input?: NodeJS.ReadStream | undefined;
  /** Aborted when the caller cancels the work. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Receives the output of programs that are run for the caller, such as a build's RUN; by default it goes to the
   * caller's streams.
   */
  readonly output?: ((bytes: Uint8Array) => void) | undefined;
  /** Receives a line about progress. */
  progress(line: string): void;
  /** Receives the output of a program that has failed. */
  failedOutput(bytes: Uint8Array): void;
  /** Receives a warning: a sentence. */
  warn(sentence: string): void;
  /**
   * Registers `undo` to be called when the caller cancels the work. The latest is called first; those that wait do so
   * in parallel; `last` ones are called when all others are done. If the work was cancelled already, `undo` is called
   * at once.
   * @returns a function that unregisters it
   */
  onInterrupt(undo: Undo, options?: { last?: boolean }): () => void;
  /**
   * If the work was cancelled: waits until everything is undone, and throws, or never returns if the process exits
   * then.
   */
  stopIfInterrupted(): Promise<void>;
}

export type Undo = () => void | Promise<void>;

/** For processes without a caller, such as foster's helper programs. */
export const NO_SURROUNDINGS: Surroundings = {
  env: {},
  ownsProcess: true,
  progress() {},
  warn() {},
  failedOutput() {},
  onInterrupt: () => () => {},
  async stopIfInterrupted() {},
};

let ofProcess = NO_SURROUNDINGS;
let ofCall: () => Surroundings | undefined = () => undefined;

/** The surroundings of the current call, else of the process. */
export function surroundings(): Surroundings {
  return ofCall() ?? ofProcess;
}

/** Sets them for the process, if it serves one caller. */
export function setSurroundings(value: Surroundings): void {
  ofProcess = value;
}

/** Sets them for a process with several concurrent calls. @param find returns those of the current call */
export function setSurroundingsLookup(find: () => Surroundings | undefined): void {
  ofCall = find;
}
