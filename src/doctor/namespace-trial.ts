import type { IdMaps } from '../spec/id-maps.js';
import { startWorker } from '../worker/start-worker.js';

/** What was tried in a user namespace: the name of the errno with which it was refused; '' if it works. */
export type NamespaceTrial = Record<
  'mounts' | 'a new /proc' | 'PID namespaces' | 'network namespaces' | 'IPC namespaces',
  string
>;

/**
 * Makes a user namespace with these ids, becomes root there, and makes what containers need.
 * @throws FosterError if there can be no user namespace, or nobody is root there
 */
export async function tryNamespaces(maps: IdMaps): Promise<NamespaceTrial> {
  return await startWorker<null, NamespaceTrial>({
    program: 'namespace-trial-main',
    name: 'foster-trial',
    title: 'the trial of namespaces',
    order: null,
    maps,
  }).result();
}
