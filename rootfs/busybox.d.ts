import type { TreeRecipe } from '../src/image/rootfs/recipe.js';
/** One static program with all commands: the smallest root filesystem. */
export declare const recipe: TreeRecipe;
