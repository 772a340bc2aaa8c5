import type { BuildRequest, NamedContext, RunSettings, Secrets } from '../build/options.js';
import { surroundings } from '../sys/surroundings.js';

export type { BuildRequest, NamedContext, RunSettings, Secrets };

/**
 * Builds an image from a Dockerfile.
 * @param request with full names as tags
 * @param progress receives a line for each step
 * @returns the image's id
 * @throws FosterError with the line of the Dockerfile
 */
export async function build(request: BuildRequest, progress: (line: string) => void): Promise<string> {
  const { buildImage } = await import('../build/build.js');
  const { collectOnFailure } = await import('../container/collect-garbage.js');
  return await collectOnFailure(() =>
    buildImage(request, { printLine: progress, warn: surroundings().warn }),
  );
}

/**
 * Removes the results of steps of earlier builds, unless an image has them.
 * @param before only those that were made before this time, in milliseconds since 1970, and not the folders of
 * `RUN --mount=type=cache`; all by default
 * @returns the bytes that it has freed
 */
export async function pruneCache(before?: number): Promise<number> {
  const { collect } = await import('../container/collect-garbage.js');
  const { removeFromBuildCache } = await import('../image/store/build-cache.js');
  if (before !== undefined) removeFromBuildCache(before);
  return (await collect({ caches: before === undefined, recipes: false }))?.size ?? 0;
}
