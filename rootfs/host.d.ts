import type { TreeRecipe } from '../src/image/rootfs/recipe.js';
/** The machine's everyday programs with their libraries, for machines without busybox. */
export declare const recipe: TreeRecipe;
