import { type Collected, type CollectOptions, collectGarbage, type InUse } from '../image/collect.js';
import { layersOf } from './container-plan.js';
import { type Container, listContainers } from './store.js';

/** What the containers of now are made of. */
export function treesInUse(): InUse {
  return { trees: new Set(listContainers().flatMap(({ record }) => layersOf(record))) };
}

/** Containers made from the image with this manifest. */
export function containersOf(digest: string): Container[] {
  return listContainers().filter(({ record }) => record.image?.digest === digest);
}

/** Removes what neither images nor containers use: collect.ts. */
export async function collect(
  options: CollectOptions = { caches: false, recipes: false },
): Promise<Collected | undefined> {
  return await collectGarbage(treesInUse, options);
}

/** With the exit code that a shell gives to a death by that signal. */
const INTERRUPTS: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** Runs what adds an image to the store; where it fails or is interrupted, what it has added goes again. */
export async function collectOnFailure<T>(use: () => Promise<T>): Promise<T> {
  const interrupted = (signal: NodeJS.Signals) => {
    // Whoever makes something at the time listens too, and ends foster when that is undone.
    if (process.listenerCount(signal) === 1) process.exit(INTERRUPTS[signal]);
  };
  // A collection waits for nothing before it is done, so that all of it takes place before foster ends.
  const ending = (code: number) => {
    if (Object.values(INTERRUPTS).includes(code)) collect().catch(() => {});
  };
  for (const signal of Object.keys(INTERRUPTS)) process.on(signal, interrupted);
  process.on('exit', ending);
  try {
    return await use();
  } catch (error) {
    await collect();
    throw error;
  } finally {
    process.off('exit', ending);
    for (const signal of Object.keys(INTERRUPTS)) process.off(signal, interrupted);
  }
}
