import { join } from 'node:path';
import { dataFolder, podFolder } from '../sys/paths.js';
import { surroundings } from '../sys/surroundings.js';
import type { ContainerRecord } from './record.js';

/** Variables that a foster command needs to find its programs and its caches. */
const VARIABLES = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR'];

export interface LastProgram {
  argv: string[];
  env: string[];
  /** It is not run while a command works that has noted itself in this file. */
  unless?: string;
  /** Each container of the pod has a lock of this file while its monitor runs: it is run only for the last of them. */
  lock?: string;
}

/** Where a command that stops a whole pod notes itself: its containers need not look whether they are the last one. */
export function stoppingFile(pod: string): string {
  return join(podFolder(pod), 'stopping');
}

/**
 * The foster command that a monitor runs when the container has ended for good. One removes its image (`--rmi`): a name as the person
 * gave it; it says why where other containers use the image. Another stops its pod, if that has the exit policy `stop` and this was
 * the last of its containers.
 */
export function lastProgram(record: ContainerRecord): LastProgram | undefined {
  const words = wordsOf(record);
  if (words === undefined) return undefined;
  const { env } = surroundings();
  return {
    argv: [process.execPath, join(__dirname, 'foster.cjs'), '--root', dataFolder(), ...words],
    env: VARIABLES.flatMap((name) => (env[name] ? [`${name}=${env[name]}`] : [])),
    ...(record.pod !== undefined &&
      !record.removesImage && {
        unless: stoppingFile(record.pod),
        lock: join(podFolder(record.pod), 'running'),
      }),
  };
}

function wordsOf({ id, root, pod, endsPod, removesImage }: ContainerRecord): string[] | undefined {
  if (removesImage) return ['rmi', '--', root];
  return endsPod && pod !== undefined ? ['pod', 'stop', '--after', id, pod] : undefined;
}
