import type { Attached } from '../spec/request.js';

/** Called while a container starts. */
export interface RunObserver {
  /** Receives each line of `--explain`. */
  explain(line: string): void;
  /** With text for standard output: the id of a container in the background or without attached output, the plan of a dry run. */
  print(text: string): void;
  /** What to leave for the front, so that it does the next such run: run-template.ts. */
  template?: RunWish | undefined;
}

/** What a run is to leave for the front. */
export interface RunWish {
  /** The command line after `run`, up to ROOT. */
  words: readonly string[];
  /** The name of the template: 16 hexadecimal digits. */
  key: string;
  /** If one for any container name will do: the index of the word that ends with the name, and the template's name. */
  anyName?: { index: number; key: string } | undefined;
}

/** Prints the id of a container whose output is not attached, as `run -d` does: there is nothing else to know it by. */
export function printUnseen(id: string, { stdout, stderr }: Attached, observer: RunObserver): void {
  if (!stdout && !stderr) observer.print(`${id}\n`);
}
