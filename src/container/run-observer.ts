/** Called while a container starts. */
export interface RunObserver {
  /** Receives each line of `--explain`. */
  explain(line: string): void;
  /** Receives text for standard output: the id of a container in the background, or the plan of a dry run. */
  print(text: string): void;
}
