/** Containers that this process is starting. They do not run yet, but what they have been given must not be given to others. */
const ids = new Set<string>();

/** Notes a container for as long as `start` takes. */
export async function underWay<T>(id: string, start: () => Promise<T>): Promise<T> {
  ids.add(id);
  try {
    return await start();
  } finally {
    ids.delete(id);
  }
}

export function isUnderWay(id: string): boolean {
  return ids.has(id);
}
