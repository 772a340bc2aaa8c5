/** How to make one of the root filesystems that foster builds itself. Each recipe is a small file in rootfs/. */
export type Recipe = TreeRecipe | ArchiveRecipe;

interface RecipeBase {
  name: string;
  /** One line for the help. */
  description: string;
  /**
   * A short text, valid in a file name, that changes whenever the result would: the tree is then rebuilt. It is
   * computed at each start, so it may cost a few stat(2) at most.
   * @throws FosterError if this machine lacks what the recipe needs, with advice
   */
  fingerprint(): string;
}

/** All files of the result belong to the caller, who is root in the container. */
export interface TreeRecipe extends RecipeBase {
  produces: 'tree';
  /** Fills the empty directory. */
  build(directory: string): void | Promise<void>;
}

/**
 * For trees with owners other than root: the result is a tar archive, which is unpacked in a namespace that has those
 * owners.
 */
export interface ArchiveRecipe extends RecipeBase {
  produces: 'tar';
  /** Makes an archive in the scratch directory and returns its path. Programs that it runs end at an interrupt. */
  build(scratch: string, onInterrupt: (callback: () => void) => void): Promise<string>;
}

const RECIPES: Readonly<Record<string, () => Promise<{ recipe: Recipe }>>> = {
  busybox: () => import('../../../rootfs/busybox.js'),
  host: () => import('../../../rootfs/host.js'),
  debian: () => import('../../../rootfs/debian.js'),
};

export const RECIPE_NAMES: readonly string[] = Object.keys(RECIPES);

/** The recipe of that name. Its module is loaded on demand. */
export async function findRecipe(name: string): Promise<Recipe | undefined> {
  if (!Object.hasOwn(RECIPES, name)) return undefined;
  return (await RECIPES[name]?.())?.recipe;
}
