import type { RunRequest } from '../spec/request.js';

/**
 * Does something with the request of a container that may be wanted in a pod. A pod that is made for it (`--pod new:NAME`) is removed
 * if that fails.
 * @throws FosterError if there is no such pod, or the request has options that belong to the pod
 */
export async function inPod<T>(request: RunRequest, work: (request: RunRequest) => Promise<T>): Promise<T> {
  if (request.pod === undefined) return await work(request);
  const { joinPod } = await import('../pod/join.js');
  const { request: joined, fresh } = await joinPod(request);
  try {
    return await work(joined);
  } catch (error) {
    if (fresh !== undefined) await (await import('../pod/remove.js')).removePod(fresh, { force: true });
    throw error;
  }
}
