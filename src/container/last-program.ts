import { join } from 'node:path';
import { dataFolder } from '../sys/paths.js';
import { surroundings } from '../sys/surroundings.js';
import type { ContainerRecord } from './record.js';

/** Variables that a foster command needs to find its programs and its caches. */
const VARIABLES = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR'];

/**
 * The foster command that a monitor runs when the container has ended for good. One removes its image (`--rmi`): a name as the person
 * gave it; it says why where other containers use the image. Another stops its pod, if that has the exit policy `stop` and this was
 * the last of its containers.
 */
export function lastProgram(record: ContainerRecord): { argv: string[]; env: string[] } | undefined {
  const words = wordsOf(record);
  if (words === undefined) return undefined;
  const { env } = surroundings();
  return {
    argv: [process.execPath, join(__dirname, 'foster.cjs'), '--root', dataFolder(), ...words],
    env: VARIABLES.flatMap((name) => (env[name] ? [`${name}=${env[name]}`] : [])),
  };
}

function wordsOf({ id, root, pod, endsPod, removesImage }: ContainerRecord): string[] | undefined {
  if (removesImage) return ['rmi', '--', root];
  return endsPod && pod !== undefined ? ['pod', 'stop', '--after', id, pod] : undefined;
}
