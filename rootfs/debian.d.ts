import type { ArchiveRecipe } from '../src/image/rootfs/recipe.js';
/** A minimal Debian, its packages from the mirror and of the release that this machine uses itself. */
export declare const recipe: ArchiveRecipe;
/** The first Debian mirror of this machine's own apt. */
export declare function debianSource(folder?: string): {
  mirror: string;
  suite: string;
};
/** sources.list(5), both of its formats; security and backports suites are no base for a system. */
export declare function parseSources(text: string):
  | {
      mirror: string;
      suite: string;
    }
  | undefined;
