/**
 * What foster knows of who calls it: nothing below the command line and the library looks at the process's own
 * environment, terminal or signals. The command line sets one value for its whole process, the library one for each call.
 */
export interface Surroundings {
  /** Environment variables: folders, PATH, proxies, TERM, credentials. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder for images and containers, where that was said; else `foster` in XDG_DATA_HOME of the environment. */
  readonly dataRoot?: string | undefined;
  /** How containers get their files, where that was said; else FOSTER_STORAGE_DRIVER of the environment. */
  readonly storageDriver?: string | undefined;
  /** Where the credentials for registries are, where that was said; else REGISTRY_AUTH_FILE of the environment, and the usual files. */
  readonly authFile?: string | undefined;
  /** Whether nothing else happens in this process while it waits, so that a wait may block. */
  readonly mayBlock: boolean;
  /** The terminal on which progress is drawn. */
  readonly screen?: NodeJS.WriteStream | undefined;
  /** What `-` reads. */
  readonly input?: NodeJS.ReadStream | undefined;
  /** Ends what goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Takes what a program says that foster runs for the caller, such as a build's RUN; where undefined, the caller's streams do. */
  readonly output?: ((bytes: Uint8Array) => void) | undefined;
  /** Takes a line about what goes on. */
  say(line: string): void;
  /** Takes the output of a program that has failed. */
  printError(bytes: Uint8Array): void;
  /** Takes a sentence about what is not as the person may expect it. */
  warn(sentence: string): void;
  /**
   * Has `undo` called when the caller wants what goes on to end. Of several the latest is called first, and those that
   * wait for something do so side by side; `last` ones come when all others are done.
   * @returns takes it back
   */
  onInterrupt(undo: Undo, options?: { last?: boolean }): () => void;
  /** Where the caller wants an end: waits until all is undone, and throws or ends the process. */
  stopIfInterrupted(): Promise<void>;
}

export type Undo = () => void | Promise<void>;

/** A caller of whom nothing is known, such as foster's own helper programs have. */
export const NO_SURROUNDINGS: Surroundings = {
  env: {},
  mayBlock: true,
  say() {},
  warn() {},
  printError() {},
  onInterrupt: () => () => {},
  async stopIfInterrupted() {},
};

let ofProcess = NO_SURROUNDINGS;
let ofCall: () => Surroundings | undefined = () => undefined;

/** Those of the call that is going on, else of the process. */
export function surroundings(): Surroundings {
  return ofCall() ?? ofProcess;
}

/** For a process that serves one caller. */
export function setSurroundings(value: Surroundings): void {
  ofProcess = value;
}

/** For a process in which several calls go on at once. @param find those of the call that asks */
export function findSurroundings(find: () => Surroundings | undefined): void {
  ofCall = find;
}
