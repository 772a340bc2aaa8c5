import { join } from 'node:path';
import { dataFolder } from '../sys/paths.js';
import { surroundings } from '../sys/surroundings.js';
import type { ContainerRecord } from './record.js';

/** Variables that a foster command needs to find its programs and its caches. */
const VARIABLES = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR'];

/**
 * The foster command by which a monitor removes the image of a container that has ended (`--rmi`): a name as the person gave
 * it. It says why where other containers use the image.
 */
export function imageRemoval({
  root,
  removesImage,
}: ContainerRecord): { argv: string[]; env: string[] } | undefined {
  if (removesImage === undefined) return undefined;
  const { env } = surroundings();
  return {
    argv: [process.execPath, join(__dirname, 'foster.cjs'), '--root', dataFolder(), 'rmi', '--', root],
    env: VARIABLES.flatMap((name) => (env[name] ? [`${name}=${env[name]}`] : [])),
  };
}
