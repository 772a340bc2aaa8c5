import { nearest } from '../spec/nearest.js';
import { FosterError } from '../sys/errors.js';
import type { Lab } from './lab.js';

/** All labs, in the order in which one learns from them. */
const LABS: Readonly<Record<string, () => Promise<{ lab: Lab }>>> = {
  zombies: () => import('./labs/zombies.js'),
  orphans: () => import('./labs/orphans.js'),
  signals: () => import('./labs/signals.js'),
  'pid-namespaces': () => import('./labs/pid-namespaces.js'),
  'user-namespaces': () => import('./labs/user-namespaces.js'),
  mounts: () => import('./labs/mounts.js'),
  overlay: () => import('./labs/overlay.js'),
  images: () => import('./labs/images.js'),
  network: () => import('./labs/network.js'),
  cgroups: () => import('./labs/cgroups.js'),
  pods: () => import('./labs/pods.js'),
  seccomp: () => import('./labs/seccomp.js'),
  escape: () => import('./labs/escape.js'),
  'from-scratch': () => import('./labs/from-scratch.js'),
};

export const LAB_NAMES: readonly string[] = Object.keys(LABS);

/** @throws FosterError if there is no such lab */
export async function findLab(name: string): Promise<Lab> {
  const load = Object.hasOwn(LABS, name) ? LABS[name] : undefined;
  if (load !== undefined) return (await load()).lab;
  const similar = nearest(name, LAB_NAMES);
  throw new FosterError(`there is no lab ${name}`, {
    kind: 'not-found',
    advice: similar === undefined ? "'foster lab list' lists them" : `did you mean ${similar}?`,
    exitCode: 1,
  });
}
