import type { TreeRecipe } from '../src/image/rootfs/recipe.js';
/** One static program that is all commands in one: the smallest root filesystem there is. */
export declare const recipe: TreeRecipe;
