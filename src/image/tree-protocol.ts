/** What foster and the program that looks at trees of containers (tree-main.ts) say to each other. */

/** The program's descriptors. */
export const TREE_FD = {
  /** Takes the archive, or the list of changes. */
  output: 1,
  /** Gives one byte as soon as the ids are mapped. */
  control: 3,
  /** Takes one TreeReport as JSON. */
  report: 4,
} as const;

/** The program's one argument, as JSON. */
export interface TreeOrder {
  /**
   * `export`: all files, as a flat tar archive. `layer`: what the container has changed, as a layer of an image.
   * `changes`: the same as a list, each a letter (A, C, D) and a path, ended by a NUL.
   */
  action: 'export' | 'layer' | 'changes';
  /** Read-only layers, the uppermost first. */
  layers: string[];
  /** The container's folder, with its `upper`, and `root` to mount on. */
  folder: string;
  /** Paths in the container that something of foster's was mounted on: if empty, they are not the container's. */
  mountPoints: string[];
  /** The program is in a user namespace of its own. */
  isMapped: boolean;
  hasOneOwner: boolean;
}

export type TreeReport = { done: true } | { error: string; advice?: string };
