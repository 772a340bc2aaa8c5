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
 * @param options.before only those that were made before this time, in milliseconds since 1970, and not the folders of
 * `RUN --mount=type=cache`; all by default
 * @param options.keep bytes that the newest of them may take; then these folders stay, too
 * @returns the bytes that it has freed
 */
export async function pruneCache({
  before,
  keep,
}: {
  before?: number | undefined;
  keep?: number | undefined;
} = {}): Promise<number> {
  const { collect } = await import('../container/collect-garbage.js');
  const { removeFromBuildCache, shrinkBuildCache } = await import('../image/store/build-cache.js');
  if (before !== undefined) removeFromBuildCache(before);
  if (keep !== undefined) shrinkBuildCache(keep);
  const isAll = before === undefined && keep === undefined;
  return (await collect({ caches: isAll, recipes: false }))?.size ?? 0;
}
