/**
 * The caller's environment: nothing below the command line and the library uses the process's own environment
 * variables, terminal or signals. The command line sets one value for its whole process, the library one for each call.
 */
export interface Surroundings {
  /** Environment variables: folders, PATH, proxies, TERM, credentials. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The storage driver, if it was chosen; otherwise FOSTER_STORAGE_DRIVER of the environment. */
  readonly storageDriver?: string | undefined;
  /**
   * The file with credentials for registries, if it was chosen; otherwise REGISTRY_AUTH_FILE of the environment, and
   * the usual files.
   */
  readonly authFile?: string | undefined;
  /** Whether this process does nothing but this: a wait may block, and signals may be held back. */
  readonly ownsProcess: boolean;
  /** The terminal on which progress is drawn. */
  readonly screen?: NodeJS.WriteStream | undefined;
  /** Standard input, for `-`. */
  readonly input?: NodeJS.ReadStream | undefined;
  /** Aborted when the caller wants the work to end. */
  readonly signal?: AbortSignal | undefined;
  /** Takes the output of programs that are run for the caller, such as a build's RUN; undefined: it goes to the caller's streams. */
  readonly output?: ((bytes: Uint8Array) => void) | undefined;
  /** Takes a line about progress. */
  progress(line: string): void;
  /** Receives the output of a program that has failed. */
  failedOutput(bytes: Uint8Array): void;
  /** Takes a warning: a sentence. */
  warn(sentence: string): void;
  /**
   * Has `undo` called when the caller wants the work to end. Of several the latest is called first, and those that wait
   * for something do so side by side; `last` ones come when all others are done.
   * @returns a function that unregisters it
   */
  onInterrupt(undo: Undo, options?: { last?: boolean }): () => void;
  /** Where the caller wants the work to end: waits until all is undone, and throws, or never returns in a process that ends then. */
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
