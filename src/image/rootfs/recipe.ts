/** How one of the root filesystems that foster builds by itself is made. Recipes live in rootfs/, one small file each. */
export type Recipe = TreeRecipe | ArchiveRecipe;

interface RecipeBase {
  name: string;
  /** One line for people. */
  description: string;
  /**
   * Short text, fit for a file name, that changes whenever the result would: a tree is built anew when it does. It is
   * asked at each start, so it costs a few stat(2) at the most.
   * @throws FosterError where this machine lacks what the recipe needs, with advice
   */
  fingerprint(): string;
}

/** All files of the result belong to the caller, who is root in the container. */
export interface TreeRecipe extends RecipeBase {
  produces: 'tree';
  /** Fills the empty directory. */
  build(directory: string): void | Promise<void>;
}

/** For trees with owners other than root: the result is a tar archive, unpacked where those owners exist. */
export interface ArchiveRecipe extends RecipeBase {
  produces: 'tar';
  /** Makes an archive below the scratch directory; gives its path. What it runs ends when it is interrupted. */
  build(scratch: string, onInterrupt: (callback: () => void) => void): Promise<string>;
}

const RECIPES: Readonly<Record<string, () => Promise<{ recipe: Recipe }>>> = {
  busybox: () => import('../../../rootfs/busybox.js'),
  host: () => import('../../../rootfs/host.js'),
  debian: () => import('../../../rootfs/debian.js'),
};

export const RECIPE_NAMES: readonly string[] = Object.keys(RECIPES);

/** The recipe of that name, loaded when it is asked for. */
export async function findRecipe(name: string): Promise<Recipe | undefined> {
  if (!Object.hasOwn(RECIPES, name)) return undefined;
  return (await RECIPES[name]?.())?.recipe;
}
