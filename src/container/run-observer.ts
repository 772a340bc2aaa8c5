/** Called while a container starts. */
export interface RunObserver {
  /** Receives each line of `--explain`. */
  explain(line: string): void;
  /** With text for standard output: the id of a container in the background, the plan of a dry run. */
  print(text: string): void;
}
