import type { TreeRecipe } from '../src/image/rootfs/recipe.js';
/** The machine's own everyday programs with the libraries they need, for where there is no busybox. */
export declare const recipe: TreeRecipe;
