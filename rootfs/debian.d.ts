import type { ArchiveRecipe } from '../src/image/rootfs/recipe.js';
/** A minimal Debian, from the mirror and release that this machine uses. */
export declare const recipe: ArchiveRecipe;
/** The first Debian mirror in this machine's apt sources. */
export declare function debianSource(folder?: string): {
  mirror: string;
  suite: string;
};
/** Parses both formats of sources.list(5); ignores security and backports suites. */
export declare function parseSources(text: string):
  | {
      mirror: string;
      suite: string;
    }
  | undefined;
